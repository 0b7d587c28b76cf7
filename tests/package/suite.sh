#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154
#
# The inside half of tests/package/run: the cases, with what the system suite stands on. Each begins
# on a machine that never had the package.
#
#   suite.sh DIRECTORY PATTERN
#
# DIRECTORY has first.deb, next.deb and broken.deb.
packages=$1
pattern=$2
cd "$(dirname "$0")" || exit 1
umask 022
# shellcheck source-path=SCRIPTDIR
. ../system/lib.sh

settings=/etc/oxprof/oxprofd.conf

# Instead of a daemon that is started afresh.
daemon_reset() {
	dpkg --purge oxprof
	! id oxprof 2>/dev/null || userdel oxprof
	! id oxprof-deputy 2>/dev/null || userdel oxprof-deputy
	! getent group oxprof-read || groupdel oxprof-read
}

# A conffile that was changed is kept, as who is asked is advised to.
install() {
	dpkg --force-confold --install "$packages/$1.deb" </dev/null
}

# Everything of that name but what is mounted into this machine.
traces() {
	find / /run -xdev -name '*oxprof*' | sort -u
}

# Those that run, by name.
processes() {
	grep -hsx 'oxprof.*' /proc/[0-9]*/comm || true
}

version() {
	dpkg-query -W -f '${db:Status-Status} ${Version}' oxprof
}

state() {
	systemctl is-active oxprofd || true
	systemctl is-enabled oxprofd || true
}

has_samples() {
	oxprofctl query --json | python3 -c 'import json, sys
sys.exit(not json.load(sys.stdin)["samples"])'
}

# A session of a program that is busy, and the settings of an administrator.
use() {
	spawn root sh -c 'while :; do :; done'
	oxprofctl unpause --pid="$pid"
	wait_until has_samples
	oxprofctl pause
	printf '[Sampling]\nFrequency=50\n' | tee -a $settings >/etc/oxprof/oxprofd.conf.d/mine.conf
}

expect_used() {
	expect_equal "$(sql 'SELECT count(*) FROM sessions')" 1
	expect_equal "$(tail -n 1 $settings)" Frequency=50
	expect_equal "$(tail -n 1 /etc/oxprof/oxprofd.conf.d/mine.conf)" Frequency=50
}

case_lintian_has_no_complaint() {
	need lintian
	expect_ok lintian --fail-on error,warning "$packages/first.deb"
}

case_install_starts_nothing() {
	install first
	expect_equal "$(state)" $'inactive\ndisabled'
	expect_equal "$(find /etc/systemd -name '*oxprof*')" ''
	expect_equal "$(processes)" ''
	expect_match "$(getent passwd oxprof)" ':/var/lib/oxprof:/usr/sbin/nologin$'
	expect_ok getent group oxprof-read
	expect_equal "$(stat -c '%a %U %G' /var/lib/oxprof)" '2750 oxprof oxprof-read'
	expect_equal "$(stat -c '%a %U %G' /etc/oxprof/oxprofd.conf.d)" '755 root root'
	expect_equal "$(dpkg --verify oxprof)" ''
	expect_match "$(dpkg-query -W -f '${Conffiles}' oxprof)" "^[[:space:]]*$settings [0-9a-f]+$"
}

# In two steps, between which dpkg tells the bus of files whose user is not there yet.
case_install_works() {
	dpkg --unpack "$packages/first.deb"
	dpkg --configure oxprof
	systemctl start oxprofd
	oxprofctl unpause --all --for=1s
	wait_until is_state paused
	use_at_boot
}

# Once it is enabled, who asks for it starts it.
use_at_boot() {
	systemctl enable oxprofd
	systemctl stop oxprofd
	expect_ok oxprofctl status
	expect_equal "$(state)" $'active\nenabled'
}

case_install_without_systemd() {
	# shellcheck disable=SC2016
	unshare --mount sh -e -c 'mount -t tmpfs tmpfs /run
		dpkg --install "$0"
		dpkg --remove oxprof
		dpkg --install "$0"' "$packages/first.deb"
	expect_match "$(version)" ^installed
	systemctl daemon-reload
	systemctl start oxprofd
}

case_upgrade_restarts_what_runs() {
	local old
	install first
	systemctl start oxprofd
	use
	old=$(daemon_pid)
	install next
	expect_equal "$(version)" 'installed 9999-1'
	expect_equal "$(state)" $'active\ndisabled'
	[ "$(daemon_pid)" != "$old" ] || fail "the old one still runs"
	expect_equal "$(readlink "/proc/$(daemon_pid)/exe")" /usr/sbin/oxprofd
	expect_used
	expect_equal "$(tail -n 1 $settings.dpkg-dist)" '# Another default.'
	is_state paused
}

case_upgrade_starts_nothing() {
	install first
	systemctl enable oxprofd
	install next
	expect_equal "$(state)" $'inactive\nenabled'
}

case_upgrade_that_breaks_off_changes_nothing() {
	local old before
	install first
	before=$(version)
	systemctl start oxprofd
	use
	old=$(daemon_pid)
	expect_not install broken
	expect_equal "$(version)" "$before"
	expect_equal "$(daemon_pid)" "$old"
	expect_equal "$(dpkg --verify oxprof | grep -v "$settings")" ''
	expect_used
}

case_remove_keeps_settings_and_history() {
	install first
	systemctl enable --now oxprofd
	use
	dpkg --remove oxprof
	expect_match "$(version)" ^config-files
	expect_equal "$(processes)" ''
	expect_equal "$(systemctl list-units --all --no-legend 'oxprof*')" ''
	expect_equal "$(find /etc/systemd -name '*oxprof*')" ''
	expect_not grep -q oxprof <(busctl list)
	[ ! -e /usr/bin/oxprofctl ] || fail "its files are there"
	expect_used

	install first
	expect_equal "$(state)" $'inactive\ndisabled'
	systemctl start oxprofd
	expect_used
}

case_remove_that_is_refused_starts_it_again() {
	install first
	systemctl enable --now oxprofd
	echo 'exit 1' >>/var/lib/dpkg/info/oxprof.prerm
	expect_not dpkg --remove oxprof
	expect_equal "$(state)" $'active\nenabled'
	install first
}

case_purge_leaves_the_user_only() {
	local user
	install first
	user=$(id oxprof)
	systemctl enable --now oxprofd
	use
	dpkg --purge oxprof
	expect_not dpkg-query -W oxprof
	expect_equal "$(comm -13 <(echo "$before") <(traces))" ''
	expect_equal "$(find /etc/systemd /var/lib/systemd -lname '*oxprof*')" ''
	expect_equal "$(id oxprof)" "$user"
}

# This machine's own ways: a container's ban of services, documents that are left out, and what has
# no part here.
rm -rf /usr/sbin/policy-rc.d /etc/dpkg/dpkg.cfg.d/* /var/lib/man-db/auto-update
daemon_reset >/dev/null 2>&1
before=$(traces)
suite_run "$pattern"
