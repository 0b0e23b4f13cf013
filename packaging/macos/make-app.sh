#!/bin/bash
# Builds Tandem.app: an application for the Dock around `tandem desktop`. It holds no Python of its own; it starts the tandem that is
# installed on this Mac (pip install '.[desktop]').
#
#   packaging/macos/make-app.sh [--tandem PATH] [--address URL]... [--sign IDENTITY] [FOLDER]
#
# FOLDER is where Tandem.app is put, build/ by default. One that stands there is replaced when the new one is complete.
# --address  a panel to look at; name both machines of a pair. Without it the window looks at this Mac.
# --sign     a name of `security find-identity -v -p codesigning`; without it the application is signed for this Mac alone ("-").
#
# What signing is for: an application that was built on the same Mac starts without it being asked for. Copied to another Mac, macOS
# (Gatekeeper) wants a Developer ID and a notarization: sign with --sign "Developer ID Application: …", then
#   ditto -c -k --keepParent build/Tandem.app build/Tandem.zip
#   xcrun notarytool submit build/Tandem.zip --keychain-profile PROFILE --wait
#   xcrun stapler staple build/Tandem.app
# Works with bash 3.2, which macOS ships.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tandem=''
addresses=''
identity='-'
folder="$root/build"

fail() {
	echo "make-app.sh: $*" >&2
	exit 2
}

# Both stand in a script between quotes, so they are looked at before.
check_plain() {
	case $1 in
	*[\'\\\|\&]* | *$'\n'*) fail "$1 has a letter in it that an application's script cannot hold." ;;
	esac
}

while [ $# -gt 0 ]; do
	case $1 in
	--tandem | --address | --sign)
		[ $# -ge 2 ] || fail "$1 needs a value."
		check_plain "$2"
		case $1 in
		--tandem) tandem=$2 ;;
		--sign) identity=$2 ;;
		--address)
			case $2 in
			*[[:space:]]* | *\** | *\?*) fail "$2 is no address." ;;
			http://?* | https://?*) addresses="${addresses:+$addresses }$2" ;;
			*) fail "$2 is no address; write it as http://mini-1.local:8484." ;;
			esac
			;;
		esac
		shift 2
		;;
	-*) fail "there is no option $1; see the head of this file." ;;
	*)
		folder=$1
		shift
		;;
	esac
done

[ -n "$tandem" ] || tandem=$(command -v tandem) || tandem="$root/.venv/bin/tandem"
[ -x "$tandem" ] || fail "$tandem is not there. Install it (pip install '.[desktop]') or say where it is with --tandem."
tandem=$(cd "$(dirname "$tandem")" && pwd)/$(basename "$tandem")
check_plain "$tandem"
version=$("$tandem" --version | sed -n 's/.* \([0-9][0-9A-Za-z.]*\)$/\1/p')
[ -n "$version" ] || fail "$tandem does not say its version."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
app="$work/Tandem.app"
mkdir -p "$app/Contents/MacOS" "$app/Contents/Resources"
sed "s|@VERSION@|$version|g" "$here/Info.plist.in" >"$app/Contents/Info.plist"
sed -e "s|@TANDEM@|$tandem|" -e "s|@ADDRESSES@|$addresses|" "$here/launch.sh" >"$app/Contents/MacOS/Tandem"
chmod 755 "$app/Contents/MacOS/Tandem"
printf 'APPL????' >"$app/Contents/PkgInfo"

# The icon: the mark on a ground of its own, drawn in each size that macOS asks for.
picture() {
	if command -v rsvg-convert >/dev/null; then
		rsvg-convert --width "$1" --height "$1" --output "$2" "$here/icon.svg"
	else
		sips --setProperty format png --resampleHeightWidth "$1" "$1" "$here/icon.svg" --out "$2" >/dev/null
	fi
}
icons="$work/Tandem.iconset"
mkdir "$icons"
for size in 16 32 128 256 512; do
	picture "$size" "$icons/icon_${size}x${size}.png"
	picture $((size * 2)) "$icons/icon_${size}x${size}@2x.png"
done

if [ "$(uname -s)" = Darwin ]; then
	iconutil --convert icns --output "$app/Contents/Resources/Tandem.icns" "$icons"
	plutil -lint -s "$app/Contents/Info.plist"
	codesign --force --options runtime --sign "$identity" "$app"
	codesign --verify --strict "$app"
else
	cp -R "$icons" "$app/Contents/Resources/"
	echo 'This is no Mac: the icon stays a folder of pictures, and nothing is signed.' >&2
fi

mkdir -p "$folder"
rm -rf "$folder/Tandem.app"
mv "$app" "$folder/Tandem.app"
echo "$folder/Tandem.app"
