# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# What is installed beside the programs.

case_unit_verifies() {
	expect_equal "$(systemd-analyze verify --man=no oxprofd.service 2>&1)" ''
	systemd-analyze security --no-pager --threshold=15 oxprofd.service >/dev/null
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
