"""`completion`: the script by which a shell completes the words of a command: each asks `COMMAND _complete`."""

from __future__ import annotations

from mailcore.cli.call import Call, Parser, VerbResult

SHELLS = {
    "bash": "~/.local/share/bash-completion/completions/{command}",
    "zsh": "a directory of $fpath, as _{command}, before compinit is called",
    "fish": "~/.config/fish/completions/{command}.fish",
}
"""Shell → where its script may lie, to be loaded when it is needed."""

_BASH = r"""# bash completion for {command}. Now: eval "$({command} completion bash)". For good: put it into
# {place}
_{command}() {
    local line=${COMP_LINE:0:COMP_POINT} tab=$'\t' program=$1 current row word
    local -a words meant=()
    IFS=$' \t\n' read -r -a words <<<"$line"
    case $line in *[[:space:]]) words+=("") ;; esac
    current=${words[${#words[@]}-1]}
    # Of @writer and --x=y readline completes what stands behind the @ or =: that alone is to be replaced.
    local head=${current%"$2"}
    type -P "$program" >/dev/null || program={command}
    COMPREPLY=()
    while IFS= read -r row; do
        case $row in
            "${tab}directories" | "${tab}files")
                local kind=-f
                [ "$row" = "${tab}files" ] || kind=-d
                compopt -o filenames 2>/dev/null
                while IFS= read -r row; do COMPREPLY+=("$row"); done < <(compgen "$kind" -- "$2") ;;
            *) word=${row%%"$tab"*} && COMPREPLY+=("${word#"$head"}") && meant+=("$row") ;;
        esac
    done < <("$program" _complete -- "${words[@]:1}" 2>/dev/null)
    # COMP_TYPE `?`: readline lists them and inserts nothing, so that what each means may stand beside it, a line each.
    if [ "${COMP_TYPE:-}" = 63 ] && [ "${#meant[@]}" -gt 1 ] && [ "${#meant[@]}" = "${#COMPREPLY[@]}" ] &&
        [[ ${meant[*]} == *"$tab"[!\ ]* ]]; then
        local width=0 columns=${COLUMNS:-80} blank
        for row in "${meant[@]}"; do word=${row%%"$tab"*} && [ "${#word}" -le "$width" ] || width=${#word}; done
        printf -v blank '%*s' "$columns" ''
        COMPREPLY=()
        for row in "${meant[@]}"; do
            word=${row%%"$tab"*}$blank
            row="${word:0:width}  ${row#*"$tab"}"
            [ "${#row}" -gt $((columns / 2)) ] || row=$row${blank:${#row}:$((columns / 2))}
            COMPREPLY+=("${row:0:columns - 2}")
        done
    fi
}
complete -o nosort -F _{command} {command} 2>/dev/null || complete -F _{command} {command}
"""

_ZSH = r"""#compdef {command}
# zsh completion for {command}. Now: source <({command} completion zsh). For good: put it into
# {place}
_{command}() {
    local row word tab=$'\t'
    local -a shown
    while IFS= read -r row; do
        word=${row%%$tab*}
        if [[ $row == "${tab}directories" ]]; then
            _files -/
        elif [[ $row == "${tab}files" ]]; then
            _files
        elif [[ -n $word ]]; then
            shown+=("$word${${row#*$tab}:+:${row#*$tab}}")
        fi
    done < <({command} _complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    (( $#shown )) && _describe -V -t {command} '{command}' shown
}
if [[ ${funcstack[1]} == _{command} ]]; then
    _{command} "$@"
elif (( $+functions[compdef] )); then
    compdef _{command} {command}
fi
"""

_FISH = r"""# fish completion for {command}. Now: {command} completion fish | source. For good: put it into
# {place}
function __{command}_complete
    set -l current (commandline -ct)
    set -l before (commandline -opc)
    for row in (command {command} _complete -- $before[2..-1] "$current" 2>/dev/null)
        switch $row
            case \t'directories'
                __fish_complete_directories "$current"
            case \t'files'
                __fish_complete_path "$current"
            case '*'
                printf '%s\n' "$row"
        end
    end
end
complete -c {command} -f -k -a '(__{command}_complete)'
"""


def arguments(verb: str, parser: Parser) -> None:
    """`completion bash|zsh|fish`."""
    del verb
    parser.add_argument("shell", choices=tuple(SHELLS), help="whose script is printed; it says where to put it")


def completion(call: Call) -> VerbResult:
    """The script, on standard output."""
    script = completion_script("mailcore", call.arguments.shell)
    return {"shell": call.arguments.shell, "script": script}, script.rstrip("\n")


def completion_script(command: str, shell: str) -> str:
    """The script by which `shell`, one of SHELLS, completes `command`."""
    script = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[shell]
    return script.replace("{place}", SHELLS[shell]).replace("{command}", command)
