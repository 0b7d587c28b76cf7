# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# CPUs that go and come.

# The machine's own sysfs is read-only.
cpus_sysfs=/run/oxtest-sys

cpu_switch() {
	echo "$2" 2>/dev/null >"$cpus_sysfs/devices/system/cpu/cpu$1/online"
}

# So many samples more than before: are they there yet?
has_samples() {
	query
	[ "$(json 'd["samples"]')" -ge "$1" ]
}

# CPU 1 is taken off and comes back, while what is sampled goes on: on CPU 0 first, then on CPU 1 again.
# Nobody does anything about it. Time that the CPU was not there is nobody's loss: samples and losses are
# no more than what the program has used, up to chance and the time that the hypervisor stole.
case_cpu_goes_and_comes() {
	local samples used steal
	mkdir -p "$cpus_sysfs"
	mount -t sysfs sysfs "$cpus_sysfs"
	mount -o remount,rw "$cpus_sysfs"
	need "$cpus_sysfs/devices/system/cpu/cpu1/online" taskset
	if ! cpu_switch 1 0; then
		echo "SKIP: CPU 1 cannot be taken off here"
		exit 0
	fi
	cpu_switch 1 1
	spawn root /opt/oxtest/spin
	steal=$(steal_usec)
	used=$(cpu_ms "$pid")
	oxprofctl unpause --pid="$pid" --frequency=999
	taskset -p -c 1 "$pid"
	spend 500 "$pid"
	query
	samples=$(json 'd["samples"]')
	[ "$samples" -gt 100 ]
	cpu_switch 1 0
	spend 3000 "$pid"
	cpu_switch 1 1
	taskset -p -c 1 "$pid"
	query
	samples=$(json 'd["samples"]')
	wait_until has_samples $((samples + 500))
	oxprofctl pause
	used=$(($(cpu_ms "$pid") - used))
	steal=$((($(steal_usec) - steal) / 1000))
	query
	echo "$used ms of CPU time, $steal ms stolen"
	json '(d["samples"], d["lost"])'
	expect_json "d['samples'] + d['lost'].get('late', 0) <= ($used + $steal) * 1.02 + 100"
	# But for the time until the daemon looks, a second or little more, nothing is missing.
	expect_json "d['samples'] + d['lost'].get('late', 0) >= ($used - 3000) * 0.98 - 100"
	expect_equal "$(systemctl show -P NRestarts oxprofd)" 0
}
