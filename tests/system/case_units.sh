# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# What is installed beside the programs.

case_unit_verifies() {
	expect_equal "$(systemd-analyze verify --man=no oxprofd.service 2>&1)" ''
	systemd-analyze security --no-pager --threshold=15 oxprofd.service >/dev/null
}

# What a unit says of itself, as systemd has understood it.
unit_has() {
	local unit=$1 wanted
	shift
	for wanted; do
		expect_equal "${wanted%%=*}=$(systemctl show -P "${wanted%%=*}" "$unit")" "$wanted"
	done
}

# What it may take is bounded, and who runs out of it is a helper. (That it is so where memory is counted:
# tests/kernels.)
case_unit_is_bounded() {
	local child
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
	unit_has oxprofd OOMPolicy=continue TasksMax=128 LimitCORE=0 LimitCORESoft=0 \
		MemoryHigh=$((3 << 29)) MemoryMax=$((2 << 30))
	unit_has oxprof-opener@oxtest.service TasksMax=4 LimitCORE=0 LimitCORESoft=0 \
		MemoryMax=$((64 << 20))
	for child in $(daemon_pid) $(cat "/proc/$(daemon_pid)/task"/*/children); do
		expect_equal "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$child/limits")" '0 0'
	done
}

# The unit may write to one directory, and to what a drop-in adds.
case_unit_database_elsewhere() {
	local database=/srv/oxtest/other.db
	mkdir -p "${database%/*}" /etc/oxprof/oxprofd.conf.d
	chown oxprof:oxprof-read "${database%/*}"
	printf '%s\n' '[Storage]' "Path=$database" >/etc/oxprof/oxprofd.conf.d/oxtest.conf
	daemon_drop_in "ReadWritePaths=${database%/*}"
	systemctl stop oxprofd
	find /var/lib/oxprof -mindepth 1 -delete
	daemon_start
	spawn root /opt/oxtest/spin
	profile "$pid" 300
	query --pid="$pid"
	expect_json 'd["samples"] > 100 and any(r["function"] == "leaf_spin" for r in d["records"])'
	expect_equal "$(sql 'SELECT count(*) FROM sessions')" 1
	# But for the sessions that can be resumed: they are no history.
	expect_equal "$(find /var/lib/oxprof -mindepth 1 ! -name sessions)" ''
	systemctl stop oxprofd
	rm -r "${database%/*}"
}

case_actions_are_known() {
	local action
	for action in profile-others profile-kernel query-others configure; do
		expect_ok pkaction --verbose --action-id "org.oxprof1.$action"
		expect_match "$out" 'implicit active: +auth_admin_keep'
		expect_match "$out" 'owner -> unix-user:oxprof'
	done
}

case_enable_makes_alias() {
	systemctl -q enable oxprofd
	expect_equal "$(readlink -f /etc/systemd/system/dbus-org.oxprof1.service)" \
		"$(readlink -f "$(systemctl show -P FragmentPath oxprofd)")"
	systemctl -q disable oxprofd
}

case_completion_loads() {
	expect_ok bash -c '. /usr/share/bash-completion/bash_completion &&
		. /usr/share/bash-completion/completions/oxprofctl && complete -p oxprofctl'
}

case_manual_pages() {
	local page
	for page in man1/oxprofctl.1 man5/oxprofd.conf.5 man7/oxprof.7 man8/oxprofd.8; do
		[ -s "/usr/share/man/$page" ] || fail "no $page"
	done
}
