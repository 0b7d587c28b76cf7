# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Names of functions, files and lines: where they come from, and that they are the right ones.

names_source=$PWD/../workloads/inlines.c

# The number of a line of inlines.c with a mark.
line_of() {
	grep -n "/\* line of $1 \*/" "$names_source" | cut -d: -f1
}

# A process of inlines, under whatever name, is right in all: the stack with the functions that are
# inlined, and the lines.
expect_inlines() {
	local pid=$1 module=$2 function line
	profile "$pid" 1000
	query --by=stack --pid="$pid"
	expect_json "sum(r['self'] for r in d['records'] if re.search(r';?main\\($module\\);'
		r'work\\($module\\);outer\\($module\\);middle\\($module\\);inner\\($module\\)\$',
		r['name'])) > 0.9 * (d['samples'] - d['stacks']['no-table']) > 50"
	query --by=line --pid="$pid"
	for function in inner middle outer work main; do
		line=$(line_of "$function")
		expect_json "any(r['function'] == '$function' and r['line'] == $line
			and r['file'].endswith('/inlines.c') for r in d['records'])"
	done
}

case_names_inlined() {
	spawn root /opt/oxtest/inlines
	expect_inlines "$pid" inlines
}

case_names_by_build_id() {
	local file
	file=/usr/lib/debug/$(build_id_path /opt/oxtest/inlines-id)
	install -D -m 644 /opt/oxtest/inlines-id.debug "$file"
	# The link must not be what leads to it.
	mv /opt/oxtest/inlines-id.debug /opt/oxtest/elsewhere.debug
	spawn root /opt/oxtest/inlines-id
	expect_inlines "$pid" inlines-id
}

case_names_by_debuglink() {
	install -D -m 644 /opt/oxtest/inlines-link.debug \
		/usr/lib/debug/opt/oxtest/inlines-link.debug
	rm /opt/oxtest/inlines-link.debug
	spawn root /opt/oxtest/inlines-link
	expect_inlines "$pid" inlines-link
	# And where it is beside the program.
	spawn root /opt/oxtest/inlines-other
	expect_inlines "$pid" inlines-other
}

# A container's own debug file: seen by nobody else, and never used for anybody else.
case_names_in_mount_namespace() {
	local file
	file=$(build_id_path /opt/oxtest/inlines-ns)
	install -D -m 644 /opt/oxtest/inlines-ns.debug "/tmp/own/$file"
	mv /opt/oxtest/inlines-ns.debug /tmp/own/
	mkdir -p /usr/lib/debug
	spawn root unshare --mount sh -c \
		'mount --bind /tmp/own /usr/lib/debug && exec /opt/oxtest/inlines-ns'
	wait_program "$pid" inlines-ns
	expect_not test -e "/usr/lib/debug/$file"
	expect_inlines "$pid" inlines-ns
	spawn root /opt/oxtest/inlines-ns
	profile "$pid" 500
	expect_unnamed "$pid" inlines-ns
}

# A program in a root of its own, which is not there in the daemon's.
case_names_in_own_root() {
	spawn root unshare --mount sh -c \
		'mount -t tmpfs none /mnt && cp /opt/oxtest/inlines /mnt/own && exec /mnt/own'
	wait_program "$pid" own
	expect_not test -e /mnt/own
	expect_inlines "$pid" own
}

# Built anew while it runs: the names are those of what runs.
case_names_of_replaced_program() {
	cp /opt/oxtest/inlines /opt/oxtest/replaced
	spawn root /opt/oxtest/replaced
	cp /opt/oxtest/omit /opt/oxtest/replaced.new
	mv /opt/oxtest/replaced.new /opt/oxtest/replaced
	expect_inlines "$pid" replaced
	rm /opt/oxtest/replaced
	daemon_reset
	expect_inlines "$pid" replaced
}

# In a directory: file systems differ in what they tell of a file.
plugin_replaced() {
	local directory=$1
	cp /opt/oxtest/libfirst.so "$directory/libplugin.so"
	spawn_waiting root /opt/oxtest/plugin "$directory/libplugin.so" work_in_first \
		>/tmp/plugin.out
	wait_until grep -q ready /tmp/plugin.out
	cp /opt/oxtest/libsecond.so "$directory/libplugin.new"
	mv "$directory/libplugin.new" "$directory/libplugin.so"
	spawn_go
	exec {spawn_fd}>&-
	profile_warm "$pid" 1000
	query --session="$session" --pid="$pid"
	expect_json 'any(r["function"] == "work_in_first" for r in d["records"])'
	expect_json 'not any("second" in r["name"] for r in d["records"])'
	expect_json 'd["stacks"]["root"] >= 0.99 * sum(d["stacks"].values()) > 100'
	# And when it is gone altogether.
	rm "$directory/libplugin.so"
	daemon_reset
	profile_warm "$pid" 500
	query --session="$session" --pid="$pid"
	expect_json 'any(r["function"] == "work_in_first" for r in d["records"])'
}

# A library is opened by /proc/PID/map_files, where its own file still is.
case_names_of_replaced_library() {
	plugin_replaced /tmp
}

case_names_of_replaced_library_on_overlay() {
	plugin_replaced /opt/oxtest
}

# ---- code that was made at run time ----

# The names that jitcode tells, in whatever way.
expect_made() {
	profile_warm "$1" 1000
	query --by=stack --session="$session" --pid="$1"
	expect_json 'sum(r["self"] for r in d["records"] if re.search(
		r"main\(jitcode\);made_outer\b.*;made_inner\b[^;]*$", r["name"]))
		> 0.9 * d["samples"] > 50'
}

case_names_perf_map() {
	spawn root /opt/oxtest/jitcode map
	expect_made "$pid"
	rm "/tmp/perf-$pid.map"
}

# It is pid 1 to itself, and has a /tmp of its own.
case_names_perf_map_in_namespace() {
	unshare --pid --mount --fork --kill-child sh -c \
		'mount -t tmpfs none /tmp && exec /opt/oxtest/jitcode map' &
	wait_until child_named $! jitcode
	pid=$(child_named $! jitcode)
	expect_not test -e /tmp/perf-1.map
	expect_made "$pid"
}

case_names_jitdump() {
	spawn root /opt/oxtest/jitcode dump
	expect_made "$pid"
	query --by=line --session="$session" --pid="$pid"
	expect_json 'any(r["function"] == "made_inner" and r["line"] == 22
		and r["file"].endswith("made.src") for r in d["records"])'
	rm "/tmp/jit-$pid.dump"
}

case_names_jitdump_in_namespace() {
	unshare --pid --fork --kill-child /opt/oxtest/jitcode dump &
	wait_until child_named $! jitcode
	pid=$(child_named $! jitcode)
	expect_made "$pid"
	rm /tmp/jit-1.dump
}

case_names_node() {
	need node
	spawn root node --perf-basic-prof /opt/oxtest/jit.js >/dev/null
	# Until what is hot has been compiled, and told.
	spend 2000 "$pid"
	profile_warm "$pid" 1500
	query --session="$session" --pid="$pid"
	expect_json 'any(re.match(r"JS:\S?bottom", r["function"] or "") for r in d["records"])
		and any(re.match(r"JS:\S?descend", r["function"] or "") for r in d["records"])'
	rm "/tmp/perf-$pid.map"
}

# The map of somebody else is not believed.
case_names_perf_map_of_other() {
	spawn alice /opt/oxtest/jitcode none
	printf '%x %x forged\n' 4096 $((1 << 47)) >"/tmp/perf-$pid.map"
	chown bob "/tmp/perf-$pid.map"
	profile_warm "$pid" 300
	query --session="$session" --pid="$pid"
	expect_json 'd["samples"] > 50 and not any("forged" in r["name"] for r in d["records"])'
	rm "/tmp/perf-$pid.map"
}

case_names_cxx_and_rust() {
	spawn root /opt/oxtest/throws
	local throws=$pid
	[ ! -e /opt/oxtest/rusty ] || spawn root /opt/oxtest/rusty
	oxprofctl unpause --pid="$throws" --pid="$pid" --frequency=999
	spend 1500 "$throws" "$pid"
	oxprofctl pause
	query --pid="$throws"
	expect_json 'any(r["function"].startswith("work::handler") for r in d["records"])'
	expect_json 'not any(re.match("_Z", r["function"] or "") for r in d["records"])'
	need /opt/oxtest/rusty
	query --pid="$pid"
	expect_json 'any(r["function"] == "rusty::descend" for r in d["records"])'
	expect_json 'not any(re.match("_Z|_R", r["function"] or "") for r in d["records"])'
}
