# What each hook of the plugin runs: sh run.sh EVENT.ROLE SETTINGS [above]
#
# The lines themselves are those of `mailcore hooks install`. When a session begins in an agent's directory, or below it,
# mailcore writes them into the plugin's own data, below the name of that directory; at an event that line is run. Where
# no workspace is near, nothing else is started. SETTINGS: where `mailcore hooks install` puts them. Where they stand
# there, those run, and this does nothing; `above`: the program reads that file above its directory too.
leave() { # all is read, so that the program's writing does not fail
  exec cat >/dev/null
}

data=$CLAUDE_PLUGIN_DATA
[ "$data" ] || leave
directory=${CLAUDE_PROJECT_DIR:-$PWD}
line=$data/lines$directory/$1

at=$directory
while [ "$at" ]; do
  [ ! -f "$at/$2" ] || ! grep -q '": mailcore hook made ' "$at/$2" || leave
  [ "$3" ] || break
  at=${at%/*}
done

begins() {
  [ "$1" = SessionStart.note ] || [ ! -f "$line" ] || return
  near=$MAILCORE_ROOT told=
  [ ! -f "$line" ] || near=$line
  at=$directory
  while [ "$at" ] && [ ! "$near" ]; do
    for file in "$at"/*_REGISTRY.json "$at/.git"; do
      [ ! -f "$file" ] || near=$file
    done
    at=${at%/*}
  done
  [ "$near" ] || leave
  if command -v mailcore >/dev/null; then
    told=$(mailcore _lines "$directory" "$data" "$2" </dev/null 2>/dev/null)
  elif [ ! -f "$line" ]; then
    told='{"systemMessage": "plugin mailcore: the command mailcore is not on PATH, so no mail arrives here. Install PraxMonitor."}'
  fi
  [ ! "$told" ] || [ "$1" != SessionStart.note ] || printf '%s\n' "$told"
}

case $1 in SessionStart.*) begins "$1" "$2" ;; esac
[ -f "$line" ] || leave
. "$line"
