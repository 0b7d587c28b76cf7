# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
#
# doctor on this machine, as it is and with one thing made wrong. Things that cannot be made wrong are
# hidden from it alone, by mounts that nobody else sees.

# Runs doctor and takes its answer into $out; its exit status has to be that.
doctor() {
	local code=$1 status=0
	shift
	out=$("$@" oxprofctl doctor --json 2>/dev/null) || status=$?
	[ "$status" = "$code" ] || fail "exit $status, not $code: $out"
	expect_json "d['can_profile'] is ($code == 0)"
}

# The same as `doctor`, after a command that changes what this doctor sees.
doctor_where() {
	local code=$1
	# shellcheck disable=SC2016
	doctor "$code" unshare --mount bash -c 'eval "$0" && exec "$@"' "$2"
}

# A finding of $out has this verdict, and text and advice match.
expect_finding() {
	expect_json "(lambda f: len(f) == 1 and f[0]['verdict'] == '$2' and
		re.search(r'''${3-}''', f[0]['text']) and re.search(r'''${4-}''', f[0]['advice'] or ''))(
		[f for f in d['findings'] if f['id'] == '$1'])"
}

# Those and no others have failed.
expect_failed() {
	expect_json "sorted(f['id'] for f in d['findings'] if f['verdict'] == 'failed') ==
		sorted('$*'.split())"
}

case_doctor_all_well() {
	local id
	wait_until sh -c 'oxprofctl status --json | grep -q "\"kernel\":\"loaded\""'
	doctor 0
	for id in kernel lockdown btf bpf paranoid opener stack-depth sample-rate container capabilities daemon bus \
		policy polkit user cgroup settings state disk; do
		expect_finding $id ok
	done
	expect_json "d['kernel'] == '$(uname -r)'"
	expect_json "all((f['advice'] is None) == (f['verdict'] == 'ok') for f in d['findings'])"
	expect_json "all('\\n' not in f['text'] for f in d['findings'])"
	expect_equal "$(oxprofctl doctor 2>&1 | tail -n 1)" 'oxprof can profile on this machine.'
	spawn root /opt/oxtest/spin
	profile "$pid" 100
	query
	expect_json 'd["samples"] > 50'
}

case_doctor_starts_nothing() {
	systemctl stop oxprofd
	doctor 0
	expect_finding daemon warning 'does not run' 'systemctl start oxprofd'
	systemctl -q enable oxprofd
	doctor 0
	expect_finding daemon ok 'starts it when a program calls it'
	systemctl -q disable oxprofd
	expect_equal "$(systemctl is-active oxprofd)" inactive
}

case_doctor_for_a_user() {
	spawn root sleep 1000
	doctor 0 as alice
	expect_json "{f['id'] for f in d['findings'] if f['verdict'] == 'unknown'} <=
		{'lockdown', 'python', 'profilers'}"
	expect_finding python unknown 'only root' 'sudo oxprofctl doctor'
	expect_finding profilers unknown 'only root' 'sudo oxprofctl doctor'
	expect_finding disk ok 'the history takes [0-9]'
	expect_finding capabilities ok
}

case_doctor_usage() {
	expect_fail 2 oxprofctl doctor --pid=1
	expect_fail 2 oxprofctl doctor now
}

# The report is on standard output; one line on standard error says that it is a no.
case_doctor_says_no() {
	local status=0
	out=$(unshare --mount bash -c 'mount -t tmpfs tmpfs /sys/kernel/btf &&
		exec oxprofctl doctor' 2>/tmp/doctor.err) || status=$?
	expect_equal "$status" 1
	expect_match "$out" 'btf .*BTF.*CONFIG_DEBUG_INFO_BTF=y'
	expect_not grep 'can profile' <<<"$out"
	expect_equal "$(cat /tmp/doctor.err)" \
		'oxprofctl: doctor: oxprof cannot profile on this machine: btf'
}

case_doctor_level_and_opener() {
	echo 3 >/tmp/level
	systemctl stop oxprof-opener.socket 2>/dev/null || true
	doctor_where 1 'mount --bind /tmp/level /proc/sys/kernel/perf_event_paranoid'
	expect_failed opener paranoid
	expect_finding paranoid failed 'perf_event_paranoid is 3.*oxprof-opener.socket' \
		'systemctl start oxprof-opener.socket'
	expect_finding opener failed '' 'systemctl start oxprof-opener.socket'
	# Who has CAP_SYS_ADMIN needs nobody.
	daemon_drop_in AmbientCapabilities=CAP_SYS_ADMIN CapabilityBoundingSet=CAP_SYS_ADMIN
	doctor_where 0 'mount --bind /tmp/level /proc/sys/kernel/perf_event_paranoid'
	rm -r /etc/systemd/system/oxprofd.service.d
	systemctl daemon-reload
	if ! systemctl cat oxprof-opener.socket >/dev/null 2>&1; then
		echo "SKIP: oxprof-opener.socket is not here"
		return
	fi
	systemctl start oxprof-opener.socket
	doctor_where 0 'mount --bind /tmp/level /proc/sys/kernel/perf_event_paranoid'
	expect_finding opener ok listens
}

case_doctor_without_bus() {
	doctor_where 1 'mount -t tmpfs tmpfs /run/dbus'
	expect_failed bus
	expect_finding bus failed 'No such file' 'systemctl start dbus'
	expect_finding daemon unknown
	expect_finding capabilities unknown
}

case_doctor_without_policy() {
	doctor_where 1 'mount -t tmpfs tmpfs /usr/share/dbus-1/system.d'
	expect_failed policy
	expect_finding policy failed 'org.oxprof1.conf is missing' 'systemctl reload dbus'
	doctor_where 0 'mount -t tmpfs tmpfs /usr/share/polkit-1/actions'
	expect_finding polkit warning 'org.oxprof1.policy is missing'
}

case_doctor_capability_taken() {
	daemon_drop_in 'CapabilityBoundingSet=~CAP_PERFMON'
	doctor 1
	expect_failed capabilities
	expect_finding capabilities failed 'without CAP_PERFMON' 'oxprofd.service.d/oxtest.conf'
	# It is the truth.
	systemctl restart oxprofd
	wait_until sh -c 'oxprofctl status --json | grep -q "\"kernel\":\"failed\""'
	doctor 1
	expect_failed capabilities daemon
	expect_finding daemon failed 'cannot load the BPF programs' 'systemctl restart oxprofd'
	expect_fail 1 oxprofctl unpause --pid=$$
	# And so is that the next start has it again.
	rm -r /etc/systemd/system/oxprofd.service.d
	systemctl daemon-reload
	doctor 1
	expect_finding capabilities failed 'runs without CAP_PERFMON' 'systemctl restart oxprofd'
	systemctl restart oxprofd
	doctor 0
	daemon_drop_in 'CapabilityBoundingSet=~CAP_CHECKPOINT_RESTORE'
	doctor 0
	expect_finding capabilities warning 'without CAP_CHECKPOINT_RESTORE'
}

case_doctor_state_read_only() {
	mount --bind /var/lib/oxprof /var/lib/oxprof
	mount -o remount,bind,ro /var/lib/oxprof
	doctor 1
	expect_failed state
	expect_finding state failed 'read-only' 'remount,rw /var/lib/oxprof'
}

case_doctor_disk_full() {
	mount -t tmpfs -o size=8M,mode=2750,uid=oxprof,gid=oxprof-read tmpfs /var/lib/oxprof
	doctor 1
	expect_failed disk
	expect_finding disk failed 'free in /var/lib/oxprof' Path=
	mount -o remount,size=128M /var/lib/oxprof
	doctor 0
	expect_finding disk warning 'only 12[0-9]'
	mount -o remount,size=1G /var/lib/oxprof
	chmod 755 /var/lib/oxprof
	doctor 0
	expect_finding disk ok
	expect_finding state warning 'mode 2755' 'chmod 2750 /var/lib/oxprof'
}

case_doctor_settings() {
	printf '[Storage]\nMaxSize=1\nColour=red\n' >/etc/oxprof/oxprofd.conf.d/oxtest.conf
	doctor 0
	expect_finding disk ok 'the history takes .* of the 1B that it may have'
	expect_finding settings warning '/etc/oxprof/oxprofd.conf.d/oxtest.conf:3: '
}

case_doctor_programs() {
	cp /usr/bin/sleep /tmp/bpftrace
	spawn alice /tmp/bpftrace 1000
	spawn alice /usr/bin/python3 -c 'import time; print("there", flush=True); time.sleep(1000)'
	wait_program "$pid" python3
	doctor 0
	expect_finding profilers warning 'bpftrace \(pid'
	expect_finding python ok 'CPython 3\.11 \('
	doctor 0 as alice
	expect_finding profilers warning 'bpftrace \(pid'
	expect_finding python unknown 'CPython 3\.11 \(1 process\)'
}

# A process that has an event open is found whatever its name is.
case_doctor_event_holder() {
	spawn root /usr/bin/python3 -c 'import ctypes, os, struct, time
attributes = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0), 112)
print(ctypes.CDLL(None).syscall(298, attributes, 0, -1, -1, 0), flush=True)
time.sleep(1000)'
	wait_until sh -c "ls -l /proc/$pid/fd | grep -q perf_event"
	doctor 0
	expect_finding profilers warning "python3 \\(pid $pid\\)"
}
