#!/bin/sh
# The executable of Tandem.app: opens the desktop window, and says in a dialogue why it could not. make-app.sh fills in the two lines
# below. A program that is started from the Dock has no terminal, and no language of the session either.
set -u

tandem='@TANDEM@'
addresses='@ADDRESSES@'

locale=$(/usr/bin/defaults read -g AppleLocale 2>/dev/null) || locale=en_US
LANG="${locale%%@*}.UTF-8"
export LANG

say() {
	/usr/bin/osascript -e 'on run words' -e 'display alert "Tandem" message (item 1 of words) as critical' -e 'end run' "$1" >/dev/null 2>&1
}

if [ ! -x "$tandem" ]; then
	say "$tandem is not there any more. Build the application again: packaging/macos/make-app.sh"
	exit 1
fi

set -- desktop
for address in $addresses; do
	set -- "$@" --address "$address"
done

problem=$(mktemp "${TMPDIR:-/tmp}/tandem-desktop.XXXXXX") || exit 1
trap 'rm -f "$problem"' EXIT
"$tandem" "$@" 2>"$problem"
ended=$?
# Only the last lines are for a person; what the system's own libraries say comes before them.
[ "$ended" -eq 0 ] || say "$(tail -n 2 "$problem")"
exit "$ended"
