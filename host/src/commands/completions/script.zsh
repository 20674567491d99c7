#compdef recsys-host
# Completion of recsys-host for zsh: `source` this file in .zshrc, after `compinit`.
_recsys_host() {
    local -a candidates open closed
    candidates=("${(@f)$("${words[1]}" complete -- "${(@)words[1,CURRENT]}" 2>/dev/null)}")
    candidates=(${candidates:#})
    if (( ${#candidates} == 0 )); then
        _files
        return
    fi
    open=(${(M)candidates:#*[=.:]})
    closed=(${candidates:#*[=.:]})
    (( ${#open} )) && compadd -S '' -a open
    (( ${#closed} )) && compadd -a closed
}
compdef _recsys_host recsys-host
