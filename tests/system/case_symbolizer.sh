# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The process that reads what others wrote: what it may do, what its end costs, and what files that
# mean harm cost.

# One a line: that for tables, that for names.
symbolizer_pid() {
	local child
	for child in $(cat "/proc/$(daemon_pid)/task"/*/children); do
		[ "$(cat "/proc/$child/comm")" != oxprof-symboliz ] || echo "$child"
	done | grep .
}

# A session in which the symbolizer is there.
symbolizer_start() {
	spawn root /opt/oxtest/omit
	oxprofctl unpause --comm=omit --comm=inlines --comm=plugin --comm=jitcode --frequency=999
	wait_until symbolizer_pid
}

daemon_rss_kb() {
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(daemon_pid)/status"
}

# Rights are dropped before anything is read: one that was just forked has yet to.
symbolizer_is_locked() {
	grep -qE '^Seccomp:[[:space:]]*2$' "/proc/$1/status"
}

# What can be inherited (CapInh) is left: the daemon's own filter refuses to change it, and who cannot
# exec() passes nothing on.
expect_no_rights() {
	local symbolizer=$1 status
	wait_until symbolizer_is_locked "$symbolizer"
	status=$(cat "/proc/$symbolizer/status")
	for set in CapPrm CapEff CapAmb; do
		grep -qE "^$set:[[:space:]]*0{16}\$" <<<"$status"
	done
	grep -qE '^NoNewPrivs:[[:space:]]*1$' <<<"$status"
	expect_not grep -qE '^Uid:[[:space:]]*0[[:space:]]' <<<"$status"
	# Nothing of the daemon's: no database, no BPF, no events; of sockets its own, and the journal's.
	expect_not sh -c "ls -l /proc/$symbolizer/fd | grep -E 'oxprof.db|bpf|perf_event|timerfd|signalfd'"
	[ "$(find "/proc/$symbolizer/fd" -lname 'socket:*' | wc -l)" -le 3 ]
	expect_equal "$(awk '/Max core file size/ { print $5 }' "/proc/$symbolizer/limits")" 0
	expect_equal "$(awk '/Max address space/ { print $4 }' "/proc/$symbolizer/limits")" 536870912
	expect_equal "$(cat "/proc/$symbolizer/oom_score_adj")" 1000
}

case_reader_has_no_rights() {
	local symbolizer
	symbolizer_start
	for symbolizer in $(symbolizer_pid); do
		expect_no_rights "$symbolizer"
	done
}

symbolizer_is_missed() {
	journalctl -q -o cat -u oxprofd --since="@$1" | grep -E 'inlines|oxprof-symbolizer'
}

# They are killed over a question: that file has no names, it is told, and all else goes on.
case_reader_crash() {
	local omit symbolizers daemon samples began=$EPOCHSECONDS
	daemon=$(daemon_pid)
	symbolizer_start
	omit=$pid
	wait_tables comm:omit
	mapfile -t symbolizers < <(symbolizer_pid)
	kill -STOP "${symbolizers[@]}"
	spawn root /opt/oxtest/inlines
	spend 500 "$pid"
	query
	samples=$(json 'd["samples"]')
	kill -9 "${symbolizers[@]}"
	spend 500 "$omit"
	query
	expect_json "d['samples'] > $samples + 100"
	wait_until symbolizer_is_missed "$began"
	# Another program is named all the same.
	spawn_waiting root /opt/oxtest/plugin /opt/oxtest/libfirst.so work_in_first
	spawn_go
	wait_until has_function work_in_first
	expect_equal "$(daemon_pid)" "$daemon"
	oxprofctl pause
}

# ---- files that mean harm ----

# The end of the segment that is executed, in the file: what is behind it a library that keeps to
# its stack can do without.
text_end() {
	readelf -lW "$1" | awk '$1 == "LOAD" && / R E / { print $2, $5 }' |
		while read -r offset size; do
			echo $((offset + size))
		done
}

# A library that is loaded, and whose file is then made to look like this by a command.
damage() {
	local name=$1
	shift
	cp /opt/oxtest/libfirst.so "/opt/oxtest/lib$name.so"
	spawn_waiting root /opt/oxtest/plugin "/opt/oxtest/lib$name.so" work_in_first \
		>"/tmp/$name.out"
	wait_until grep -q ready "/tmp/$name.out"
	"$@" "/opt/oxtest/lib$name.so"
	spawn_go
	exec {spawn_fd}>&-
	damaged+=("$pid")
}

cut_behind_text() {
	truncate -s "$(text_end "$1")" "$1"
}

# Bytes of no meaning, always the same ones.
garbage() {
	python3 -c 'import random, sys
random.seed(1)
n = int(sys.argv[1])
while n > 0:
    sys.stdout.buffer.write(random.randbytes(min(n, 1 << 20)))
    n -= 1 << 20' "$1"
}

garbage_behind_text() {
	local end
	end=$(text_end "$1")
	garbage $(($(stat -c %s "$1") - end)) |
		dd of="$1" bs=1 seek="$end" conv=notrunc status=none
}

# All but the code, from the header on.
garbage_before_text() {
	garbage 4096 | dd of="$1" conv=notrunc status=none
}

# The table's sizes are at their limits.
sections_without_end() {
	python3 - "$1" <<-'END'
		import struct, sys
		with open(sys.argv[1], "r+b") as file:
		    elf = bytearray(file.read())
		    at, = struct.unpack_from("<Q", elf, 0x28)
		    n, = struct.unpack_from("<H", elf, 0x3c)
		    for i in range(1, n):
		        struct.pack_into("<Q", elf, at + i * 64 + 0x20, 0xffffffffffff)
		    file.seek(at)
		    file.write(elf[at:])
	END
}

case_hostile_libraries() {
	local daemon before omit damaged=()
	daemon=$(daemon_pid)
	damage truncated cut_behind_text
	damage behind garbage_behind_text
	damage before garbage_before_text
	damage sections sections_without_end
	spawn root /opt/oxtest/omit
	omit=$pid
	before=$(daemon_rss_kb)
	oxprofctl unpause --comm=plugin --comm=omit --frequency=999
	spend 1500 "$omit" "${damaged[@]}"
	for victim in "${damaged[@]}"; do
		kill -0 "$victim"
		query --pid="$victim"
		expect_json 'd["samples"] > 50'
	done
	query --pid="$omit"
	expect_json 'any(r["function"] == "leaf" for r in d["records"])'
	oxprofctl pause
	expect_equal "$(daemon_pid)" "$daemon"
	[ $(($(daemon_rss_kb) - before)) -lt 131072 ]
}

# Maps of names: too large, with names too long, and what is no file at all.
case_hostile_perf_maps() {
	local daemon before pids=() path
	daemon=$(daemon_pid)
	for path in garbage long fifo link directory; do
		spawn root /opt/oxtest/jitcode none
		pids+=("$pid")
		case $path in
		garbage) garbage 104857600 >"/tmp/perf-$pid.map" ;;
		long)
			python3 -c 'for i in range(20): print("%x %x %s" % (i << 40, 1 << 40, "n" * (1 << 20)))' \
				>"/tmp/perf-$pid.map"
			;;
		fifo) mkfifo "/tmp/perf-$pid.map" ;;
		link) ln -s /etc/shadow "/tmp/perf-$pid.map" ;;
		directory) mkdir "/tmp/perf-$pid.map" ;;
		esac
	done
	before=$(daemon_rss_kb)
	oxprofctl unpause --comm=jitcode --frequency=999
	spend 1500 "${pids[@]}"
	for pid in "${pids[@]}"; do
		query --pid="$pid"
		expect_json 'd["samples"] > 50'
		expect_json 'all(len(r["name"]) < 10000 for r in d["records"])'
	done
	oxprofctl pause
	expect_equal "$(daemon_pid)" "$daemon"
	[ $(($(daemon_rss_kb) - before)) -lt 131072 ]
	for pid in "${pids[@]}"; do
		rm -rf "/tmp/perf-$pid.map"
	done
}
