# Completion of recsys-host for fish: save it as ~/.config/fish/completions/recsys-host.fish.
function __recsys_host_candidates
    set -l words (commandline -opc) (commandline -ct)
    set -l candidates ($words[1] complete -- $words 2>/dev/null)
    if test (count $candidates) -eq 0
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $candidates
    end
end
complete -c recsys-host -f -a '(__recsys_host_candidates)'
