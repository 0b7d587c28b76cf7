#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
#
# tests/examples.sh takes the documents as they are, and says what it is there to say of wrong ones.
#
#   tests/examples_test.sh BUILD-DIRECTORY
set -u -o pipefail

build=${1:?usage: tests/examples_test.sh BUILD-DIRECTORY}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d /tmp/oxexamples.XXXXXX)
trap 'rm -rf "$work"' EXIT
failed=0

# Fails unless examples.sh says that first, of this text as one document while the others are empty.
expect() {
	local document=$1 text=$2 says=$3 output
	mkdir -p "$work/daemon" "$work/units/man"
	tee "$work/README.md" "$work/daemon/README.md" "$work/units/man/oxprof.7" </dev/null
	printf '%s\n' "$text" >"$work/$document"
	if output=$("$here/examples.sh" "$build" "$work"); then
		echo "nothing was said of '$text' in $document"
		failed=1
	elif [ "${output%%$'\n'*}" != "$document: $says" ]; then
		echo "of '$text' in $document it was not said '$says', but: $output"
		failed=1
	fi
}

"$here/examples.sh" "$build" || failed=1
expect README.md '    $ oxprofctl show --none' 'oxprofctl show --none: exit 2'
expect README.md '    $ sleep 1; oxprofctl none >file' 'sleep 1; oxprofctl none >file: exit 2'
expect daemon/README.md $'    sudo oxprofctl query \\\n        --by=none' 'sudo oxprofctl query     --by=none: exit 2'
expect README.md $'    oxprofctl status\n    oxprofctl status; oxprofctl status --max=1' \
	'oxprofctl status; oxprofctl status --max=1: exit 1'
expect README.md "    oxprofctl tree --focus='^parse" "oxprofctl tree --focus='^parse: exit without a run of it"
expect README.md 'Or `oxprofctl top --json=1`, too.' 'oxprofctl top --json=1: exit 2'
expect README.md '| to see lines | `oxprofctl query`, `--by=none` |' 'oxprofctl query --by=none: exit 2'
expect README.md 'With `--none` it is another.' '--none: there is no such option'
expect units/man/oxprof.7 $'.Bd -literal -offset indent\noxprofctl query --max=\'\\e.\'\n.Ed' \
	"oxprofctl query --max='\\.': exit 2"
[ "$failed" = 0 ] && echo "examples.sh: each rule holds"
exit "$failed"
