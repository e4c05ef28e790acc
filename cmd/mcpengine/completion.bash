# Completion of mcpengine for bash 3.2 and newer. It needs no other package.
_mcpengine() {
    # Bash has split words at = and : too. What has no blank before it is put back.
    local line="${COMP_LINE:0:$COMP_POINT}" part i
    local -a words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        local trimmed="${line#"${line%%[![:space:]]*}"}"
        part="${COMP_WORDS[i]}"
        if [[ "$trimmed" == "$part"* ]]; then
            local rest="${trimmed#"$part"}"
        else # the cursor is in the word
            part="$trimmed"
            local rest=""
        fi
        if [[ $i == 0 || "$trimmed" != "$line" ]]; then
            words+=("$part")
        else
            words[${#words[@]} - 1]+="$part"
        fi
        line="$rest"
    done
    local last=$((${#words[@]} - 1))
    for ((i = 0; i <= last; i++)); do
        words[i]="${words[i]//[\"\'\\]/}" # nothing is evaluated
    done
    local current="${words[last]}"

    local -a found=()
    while IFS= read -r part; do
        found+=("$part")
    done < <("${words[0]/#\~/$HOME}" __completeNoDesc "${words[@]:1}" 2>/dev/null)
    last=$((${#found[@]} - 1))
    ((last >= 0)) || return 0
    local directive="${found[last]#:}"
    unset "found[last]"
    [[ "$directive" =~ ^[0-9]+$ ]] || return 0

    # Bash replaces what follows the last of its word breaks only.
    local kept="" breaks="${COMP_WORDBREAKS//[^=:]/}"
    if [[ -n "$breaks" && "$current" == *[$breaks]* ]]; then
        kept="${current%"${current##*[$breaks]}"}"
    fi
    local flag="" # the values of a flag come without it
    [[ "$current" == -*=* ]] && flag="${current%%=*}="
    local blank=" "
    ((directive & 2)) && blank=""
    COMPREPLY=()
    for part in "${found[@]}"; do
        part="$flag$part"
        if [[ "$part" == "$current"* ]]; then
            COMPREPLY+=("${part#"$kept"}$blank")
        fi
    done
    if [[ ${#COMPREPLY[@]} == 0 ]] && ! ((directive & 5)); then
        while IFS= read -r part; do
            [[ -d "$part" ]] && part+="/" || part+=" "
            COMPREPLY+=("${part#"$kept"}")
        done < <(compgen -f -- "$current")
    fi
}
complete -o nospace -F _mcpengine mcpengine
