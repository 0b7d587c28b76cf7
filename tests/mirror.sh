# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Packages of other Debian releases, from the mirror that this machine itself uses. To be sourced by
# bash, as root:
#
#   mirror_find                      prints its address; fails where apt knows none
#   mirror_open DIRECTORY SUITE      reads what there is in a suite, into a directory
#   mirror_download DIRECTORY SUITE PACKAGE PATTERN
#                                    fetches those packages that the package needs and whose names
#                                    match; prints the paths of the files, which are below DIRECTORY
#
# All of it says on stderr in one line why it failed. What this machine's apt knows stays as it is.

MIRROR_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

mirror_find() {
	local codename uri
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	# Lists that apt has not read yet have no address.
	for _ in once again; do
		# shellcheck disable=SC2016
		uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(ORIGIN) $(REPO_URI)' \
			'Created-By: Packages' |
			sed -n "s/^$codename main Debian //p" | head -n 1)
		[ -z "$uri" ] || break
		apt-get -q update >/dev/null 2>&1 </dev/null || true
	done
	if [ -z "$uri" ]; then
		echo "apt of this machine knows no mirror of Debian" >&2
		return 1
	fi
	echo "$uri"
}

# apt, with lists and a database of its own. The machine's settings hold (a proxy, say).
mirror_apt() {
	local directory=$1 tool=$2
	shift 2
	APT_CONFIG=$directory/apt.conf "$tool" -q "$@" </dev/null
}

mirror_open() {
	local directory=$1 suite=$2 uri
	uri=$(mirror_find) || return 1
	mkdir -p "$directory/lists/partial" "$directory/cache/archives/partial" "$directory/debs"
	: >"$directory/status"
	echo "deb [signed-by=$MIRROR_KEYRING] $uri $suite main" >"$directory/sources.list"
	cat >"$directory/apt.conf" <<-END
		Dir::Etc::SourceList "$directory/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State "$directory";
		Dir::State::Lists "$directory/lists";
		Dir::State::status "$directory/status";
		Dir::Cache "$directory/cache";
		Acquire::Languages "none";
		Acquire::Retries "2";
		APT::Sandbox::User "root";
	END
	mirror_apt "$directory" apt-get update --error-on=any >"$directory/log" 2>&1 || {
		echo "cannot read suite $suite: $(grep -m 1 '^[EW]:' "$directory/log")" >&2
		return 1
	}
}

mirror_download() {
	local directory=$1 suite=$2 package=$3 pattern=$4 wanted
	mirror_open "$directory" "$suite" || return 1
	wanted=$(mirror_apt "$directory" apt-get -s --no-install-recommends install "$package" 2>&1 |
		sed -nE "s/^Inst ($pattern) .*/\1/p")
	if [ -z "$wanted" ]; then
		echo "no $package in suite $suite" >&2
		return 1
	fi
	# shellcheck disable=SC2086
	(cd "$directory/debs" && mirror_apt "$directory" apt-get download $wanted) \
		>"$directory/log" 2>&1 || {
		echo "cannot fetch ${wanted//$'\n'/, }: $(grep -m 1 '^[EW]:' "$directory/log")" >&2
		return 1
	}
	# shellcheck disable=SC2086
	mirror_apt "$directory" apt-get --print-uris download $wanted |
		awk -v debs="$directory/debs" '{ print debs "/" $2 }'
}
