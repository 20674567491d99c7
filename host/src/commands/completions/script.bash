# Completion of recsys-host for bash: `source` this file in .bashrc.
_recsys_host() {
    # Words as they were typed: bash itself would part them at `=`, `:` and `@`.
    local line="${COMP_LINE:0:COMP_POINT}" words cur prefix candidate
    read -r -a words <<< "$line"
    [[ -z $line || $line == *[[:space:]] ]] && words+=("")
    cur="${words[-1]}"
    local IFS=$'\n'
    COMPREPLY=($("$1" complete -- "${words[@]}" 2>/dev/null))
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
        compopt -o default 2>/dev/null
        return
    fi
    # What stands before the last sign at which bash parts words is on the line already.
    prefix="${cur%"${cur##*["$COMP_WORDBREAKS"]}"}"
    if [[ -n $prefix ]]; then
        for candidate in "${!COMPREPLY[@]}"; do
            COMPREPLY[candidate]="${COMPREPLY[candidate]#"$prefix"}"
        done
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=.:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _recsys_host recsys-host
