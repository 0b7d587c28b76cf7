# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The other ways to say whom.

# A service of its own; `pid` is its main process.
service_start() {
	printf '%s\n' '[Service]' "ExecStart=/opt/oxtest/spin" "$@" \
		>/run/systemd/system/oxtest-work.service
	systemctl daemon-reload
	systemctl start oxtest-work
	pid=$(systemctl show -P MainPID oxtest-work)
}

# A process that was sampled before its exec too is two records.
pids_seen() {
	query --by=process
	json 'sorted({r["pid"] for r in d["records"]})'
}

case_unit_across_restart() {
	local first
	service_start
	first=$pid
	spawn root /opt/oxtest/spin
	oxprofctl unpause --unit=oxtest-work --frequency=999
	spend 300 "$pid" "$first"
	expect_equal "$(pids_seen)" "[$first]"
	systemctl restart oxtest-work
	pid=$(systemctl show -P MainPID oxtest-work)
	wait_until unit_has_both "$first" "$pid"
	query --by=unit
	expect_json '[r["name"] for r in d["records"]] == ["oxtest-work.service"]'
}

unit_has_both() {
	[ "$(pids_seen)" = "[$1, $2]" ] || [ "$(pids_seen)" = "[$2, $1]" ]
}

# A unit that does not run yet is waited for.
case_unit_started_later() {
	service_start
	systemctl stop oxtest-work
	oxprofctl unpause --unit=oxtest-work.service --frequency=999
	expect_ok oxprofctl status --json
	expect_json 'd["targets"][0]["state"] == "waiting"'
	systemctl start oxtest-work
	pid=$(systemctl show -P MainPID oxtest-work)
	spend 300 "$pid"
	expect_equal "$(pids_seen)" "[$pid]"
}

case_comm() {
	local shares
	spawn_waiting root /opt/oxtest/shares 30
	spawn_go
	shares=$pid
	spawn root /opt/oxtest/spin
	oxprofctl unpause --comm=spin --frequency=999
	spend 300 "$pid" "$shares"
	expect_equal "$(pids_seen)" "[$pid]"
}

case_user() {
	local bobs
	spawn bob /opt/oxtest/spin
	bobs=$pid
	spawn alice /opt/oxtest/spin
	oxprofctl unpause --user=alice --frequency=999
	spend 300 "$pid" "$bobs"
	expect_equal "$(pids_seen)" "[$pid]"
	query --by=user
	expect_json '[r["name"] for r in d["records"]] == ["alice"]'
}

# Any depth below the named group.
case_cgroup() {
	local deep other
	service_start Delegate=yes
	deep=/sys/fs/cgroup/system.slice/oxtest-work.service/a/b
	mkdir -p "$deep"
	echo "$pid" >"$deep/cgroup.procs"
	spawn root /opt/oxtest/spin
	other=$pid
	oxprofctl unpause --cgroup=/system.slice/oxtest-work.service --frequency=999
	pid=$(systemctl show -P MainPID oxtest-work)
	spend 300 "$pid" "$other"
	expect_equal "$(pids_seen)" "[$pid]"
}

# In the daemon's own numbers, also where the target counts from 1.
case_pid_namespace() {
	unshare --pid --fork --kill-child /opt/oxtest/spin &
	wait_until child_named $! spin
	pid=$(child_named $! spin)
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	expect_equal "$(pids_seen)" "[$pid]"
}

case_query_windows() {
	spawn root /opt/oxtest/spin
	profile "$pid" 300
	query --since=-1h --until=now
	expect_json 'd["samples"] > 50'
	query --since=2001-01-01 --until='2001-01-02 00:00'
	expect_json 'd["samples"] == 0 and d["records"] == []'
	query --filter='^leaf_s' --sort=total
	expect_json '[r["function"] for r in d["records"]] == ["leaf_spin"]'
	local by
	for by in function module file line stack process thread unit user; do
		query --by="$by"
		expect_json 'len(d["records"]) > 0 and d["samples"] > 50'
	done
	expect_ok oxprofctl query --json --max=1
	expect_json 'len(d["records"]) == 1'
}

# Each target has its own samples, also when it takes the place of one of the same name.
case_samples_of_each_target() {
	local spin
	spawn root /opt/oxtest/spin
	spin=$pid
	spawn_waiting root /opt/oxtest/shares 60
	oxprofctl unpause --pid="$spin" --frequency=999
	spend 200 "$spin"
	oxprofctl unpause --pid="$spin" --pid="$pid" --frequency=499
	spend 300 "$spin"
	expect_ok oxprofctl status --json
	expect_json "[(t['target'], t['samples'] > 50) for t in d['targets']]
		== [('pid:$spin', True), ('pid:$pid', False)]"
	expect_json 'sum(t["samples"] for t in d["targets"]) == d["samples"]'
}
