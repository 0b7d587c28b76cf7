# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# A user without rights does what he can to the daemon: what he brings is bounded and the rest counted,
# root gets answers meanwhile, and a neighbour keeps his samples. What is measured is said in the log.

# bob has a program that root samples, and alice's programs are sampled for alice.
attack_begin() {
	spawn bob /opt/oxtest/spin
	neighbour=$pid
	oxprofctl unpause --pid="$neighbour" --frequency=999
	wait_tables "$neighbour"
	neighbour_ns=$(cpu_ns "$neighbour")
	neighbour_before=$(neighbour_samples)
	as alice oxprofctl unpause --user=alice --frequency=999
}

# A program of alice's that goes on until the case ends.
attack() {
	spawn alice "$@"
	attackers+=("$pid")
}

cpu_ns() {
	local ns
	read -r ns _ <"/proc/$1/schedstat"
	echo "$ns"
}

# What root's session has: samples, how many it lost, and how many of these by coming late.
neighbour_samples() {
	oxprofctl status --json | python3 -c 'import json, sys
d = json.load(sys.stdin)
whole = ("late", "arena-full", "index-crowded", "not-permitted", "store")
print(d["samples"], sum(d["lost"].get(w, 0) for w in whole), d["lost"].get("late", 0))'
}

# How many of alice's samples were counted with this loss, or all of them ("samples").
alice_has() {
	as alice oxprofctl status --json | python3 -c 'import json, sys
d = json.load(sys.stdin)
sys.exit(d["lost"].get(sys.argv[1], d.get(sys.argv[1], 0)) < int(sys.argv[2]))' "$@"
}

# Root's status and query while the attack goes on.
root_is_answered() {
	local began=$EPOCHREALTIME status query
	expect_ok oxprofctl status
	status=$EPOCHREALTIME
	query --session=all
	query=$EPOCHREALTIME
	query
	awk "BEGIN { printf \"status after %.2f s, query of all after %.2f s, of the session %.2f s\n\",
		$status - $began, $query - $status, $EPOCHREALTIME - $query }"
	expect_json 'any("spin" in r["name"] for r in d["records"])'
}

# Each tick of the neighbour's CPU time is a sample or counted as lost; what is lost came late, as on a
# machine that took the CPU away, and is nothing that the attack took the place of.
neighbour_keeps_samples() {
	local before after ns
	read -ra before <<<"$neighbour_before"
	read -ra after <<<"$(neighbour_samples)"
	# Later than the samples are counted: there may be more ticks, never less.
	ns=$(($(cpu_ns "$neighbour") - neighbour_ns))
	read -ra after <<<"$(neighbour_samples)"
	python3 - "$ns" "${before[@]}" "${after[@]}" <<-'END'
		import sys
		ns, samples, lost, late, samples_after, lost_after, late_after = map(int, sys.argv[1:])
		ticks, samples, lost = ns * 999e-9, samples_after - samples, lost_after - lost
		print(f"neighbour: {ticks:.0f} ticks, {samples} samples, {lost} lost")
		if samples + lost < 0.99 * ticks - 10 or lost != late_after - late:
		    sys.exit("samples are missing")
	END
}

# Of what alice's programs bring there may be so many rows: a full account, and what SECONDS fill up.
rows_are_bounded() {
	local table=$1 account=$2 a_second=$3 rows
	rows=$(sql "SELECT count(*) FROM $table")
	echo "$table: $rows rows in $((SECONDS - attack_began)) s"
	[ "$rows" -le $((account + a_second * (SECONDS - attack_began + 2) + 2000)) ]
}

# The daemon and its helpers: memory that is theirs alone, in MiB.
daemon_mib() {
	local one
	for one in $(daemon_pid) $(pgrep -P "$(daemon_pid)"); do
		cat "/proc/$one/smaps_rollup" 2>/dev/null
	done | awk '/^Pss_(Anon|Shmem):/ { kib += $2 } END { print int(kib / 1024) }'
}

memory_is_bounded() {
	local mib high
	mib=$(daemon_mib)
	high=$(systemctl show -P MemoryHigh oxprofd)
	echo "memory: $mib MiB"
	[ "$mib" -lt $((high >> 20)) ]
}

attack_end() {
	local bytes one
	for one in "${attackers[@]}"; do
		kill -0 "$one"
	done
	root_is_answered
	memory_is_bounded
	neighbour_keeps_samples
	rows_are_bounded node 100000 4000
	rows_are_bounded frame 40000 800
	rows_are_bounded process 40000 1000
	rows_are_bounded task 40000 1000
	bytes=$(sql 'SELECT sum(length(name) + length(function) + length(module) + length(file)) FROM function')
	echo "names: $bytes bytes"
	bytes=$(sql 'SELECT page_count * page_size FROM pragma_page_count, pragma_page_size')
	echo "database: $((bytes >> 10)) KiB"
	# 20 MB at once, and 1 MB/s.
	[ "$bytes" -lt $((20000000 + 1000000 * (SECONDS - attack_began + 5))) ]
}

# Stacks that nobody has met before: the account of nodes is emptied, and the rest is "[other]".
case_attack_stacks() {
	local attack_began=$SECONDS attackers=()
	attack_begin
	attack /opt/oxtest/endless stacks
	attack /opt/oxtest/endless stacks
	wait_until alice_has limit 300
	attack_end
	expect_ok as alice oxprofctl query --json --max=0
	expect_json 'any(r["name"] == "[other]" and r["self"] >= 300 for r in d["records"])'
	expect_json 'd["lost"]["limit"] >= 300'
}

# Names that nobody has met before, in Python and in the map of a compiler at run time.
case_attack_names() {
	local attack_began=$SECONDS attackers=()
	attack_begin
	attack python3 /opt/oxtest/endless.py
	attack /opt/oxtest/endless map
	wait_until alice_has limit 300
	attack_end
}

# Processes and names of threads.
case_attack_processes() {
	local attack_began=$SECONDS attackers=()
	attack_begin
	attack /opt/oxtest/endless threads
	attack /opt/oxtest/endless processes
	wait_until alice_has samples 3000
	attack_end
	[ "$(sql 'SELECT count(*) FROM task')" -gt 1000 ]
}

# Files that are no good: the symbolizer may say so, or die of it; it goes on with the next one.
case_attack_files() {
	local attack_began=$SECONDS attackers=() odd files
	files=$(mktemp -d /tmp/odd.XXXXXX)
	chown alice "$files"
	attack_begin
	spawn alice python3 /opt/oxtest/odd_files.py /opt/oxtest/calls "$files" 400
	odd=$pid
	wait_until alice_has samples 200
	root_is_answered
	wait_until sh -c "! kill -0 $odd"
	attack_end
	rm -r "$files"
}

# Has the flood got so many answers?
flood_has() {
	[ "$(tail -n 1 /tmp/flood | cut -d' ' -f1)" -ge "$1" ]
}

case_attack_calls() {
	local attack_began=$SECONDS attackers=()
	attack_begin
	attack /opt/oxtest/endless stacks
	as alice python3 /opt/oxtest/flood.py \
		GetStatus,History,Query,Stacks,Unpause,Export,Resymbolize 20 >/tmp/flood &
	wait_until flood_has 500
	root_is_answered
	wait_until flood_has 2000
	tail -n 1 /tmp/flood
	attack_end
	# What is too much was refused, and by its own reason.
	grep -q 'of yours are being answered already\|too many changes' /tmp/flood
}
