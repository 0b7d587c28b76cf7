#!/bin/bash
# SPDX-License-Identifier: MIT
# The inside half of tests/system/run: makes the users and runs the cases whose name matches.
#
#   suite.sh PATTERN FILE...
pattern=$1
shift
cd "$(dirname "$0")" || exit 1
umask 022
# shellcheck source-path=SCRIPTDIR
. ./lib.sh
for file; do
	# shellcheck disable=SC1090
	. "$file"
done

useradd -m alice
useradd -m bob
useradd -m carol
useradd -m -G oxprof-read symbolizer
suite_run "$pattern"
