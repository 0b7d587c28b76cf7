# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The files that other tools open, read by those tools, say what query says, to the hit.

npm=/opt/oxtest/npm
reports=$PWD/report.py
browser=$PWD/../browser

# Python, native code and the kernel, of two processes and several threads; then it is paused, so
# that every question is about the same samples. The current directory is an empty one.
report_sample() {
	local python
	spawn root /usr/bin/python3 /opt/oxtest/work.py
	python=$pid
	oxprofctl unpause --pid="$pid" --frequency=999
	spawn alice /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
	spend 1000 "$python" "$pid"
	oxprofctl pause
	cd "$(mktemp -d)" || exit
	oxprofctl query --json --max=0 >query.json
	oxprofctl query --json --max=0 --by=stack >stacks.json
}

case_report_folded() {
	report_sample
	oxprofctl query --format=folded >a.folded
	oxprofctl query -o b.folded
	cmp a.folded b.folded
	python3 "$reports" folded a.folded stacks.json
	oxprofctl query --json --max=0 --by=stack --pid="$pid" >stacks.json
	oxprofctl query --pid="$pid" -o spin.folded
	python3 "$reports" folded spin.folded stacks.json
}

case_report_csv() {
	local by
	report_sample
	for by in function module file line stack process thread unit user; do
		oxprofctl query --json --max=0 --by="$by" >query.json
		oxprofctl query --format=csv --max=0 --by="$by" >a.csv
		python3 "$reports" csv a.csv query.json
	done
	oxprofctl query -o b.csv
	expect_equal "$(wc -l <b.csv)" 11
}

case_report_pprof() {
	local id
	need go
	report_sample
	export HOME=/root PPROF_TMPDIR=/tmp
	oxprofctl query -o a.pb.gz
	oxprofctl query --format=pprof >b.pb.gz
	cmp a.pb.gz b.pb.gz
	go tool pprof -top -nodecount=1000000 -nodefraction=0 -edgefraction=0 a.pb.gz >top
	go tool pprof -raw a.pb.gz >raw
	python3 "$reports" pprof-top top query.json
	python3 "$reports" pprof-raw raw query.json
	# Of a process by its label, with its file and build-id.
	oxprofctl query --json --max=0 --pid="$pid" >query.json
	go tool pprof -top -nodecount=1000000 -nodefraction=0 -edgefraction=0 \
		-tagfocus="pid=$pid:$pid" a.pb.gz >top
	python3 "$reports" pprof-top top query.json
	id=$(readelf -n /opt/oxtest/spin | sed -n 's/.*Build ID: //p')
	grep -Eq "^[0-9]+: .* (/opt/oxtest/)?spin $id \[FN\]\[FL\]\[LN\]" raw
	grep -q 'comm:\[spin\] .*user:\[alice\]' raw
}

case_report_speedscope() {
	need node /usr/bin/chromium "$npm/node_modules/speedscope" "$npm/node_modules/playwright-core"
	report_sample
	oxprofctl query -o a.speedscope.json
	OXTEST_NPM=$npm HOME=/root node "$browser/speedscope.mjs" "$PWD/a.speedscope.json" >read.json
	python3 "$reports" speedscope read.json query.json
}

# Names that want to be something else are names.
case_report_hostile_names() {
	local name='<script>alert(1)</script>&";=1+1'
	printf 'import time\ndef spin():\n\twhile True: pass\nspin.__code__ = spin.__code__.replace(%s)\nspin()\n' \
		"co_name='''$name''', co_qualname='''$name'''" >/tmp/hostile.py
	spawn alice /usr/bin/python3 /tmp/hostile.py
	profile "$pid" 1000
	cd "$(mktemp -d)" || exit
	oxprofctl query -o a.folded
	grep -qF '<script>alert(1)</script>&":=1+1(__main__)' a.folded
	oxprofctl query -o a.speedscope.json
	python3 -c 'import json, sys
assert any(f["name"] == sys.argv[1] for f in json.load(open("a.speedscope.json"))["shared"]["frames"])' \
		"$name(__main__)"
	oxprofctl query -o a.csv
	python3 -c 'import csv, sys
assert any(r["function"] == sys.argv[1] for r in csv.DictReader(open("a.csv", newline="")))' "$name"
}

case_report_output() {
	local name
	report_sample
	for name in a.svg a.html a.pb.gz a.folded a.json a.speedscope.json a.csv a.txt; do
		expect_ok oxprofctl query -o "$name"
		expect_equal "$out" ""
		expect_equal "$(stat -c %a "$name")" 644
	done
	head -c 200 a.svg | grep -q '<svg'
	head -c 200 a.html | grep -qi '<!doctype html'
	gzip -t a.pb.gz
	python3 -m json.tool a.json >/dev/null
	grep -q '"\$schema"' a.speedscope.json
	grep -q '^SELF' a.txt
	expect_equal "$(find . -name "*oxprof*")" ""

	# Nothing half done, and what was there stays.
	for name in folded pprof speedscope flamegraph csv json table; do
		expect_fail 1 oxprofctl query --format="$name" -o /dev/full
		expect_match "$err" 'cannot write /dev/full: No space left'
		expect_fail 1 oxprofctl query --format="$name" -o none/a
		expect_match "$err" 'cannot write none/a: No such file'
	done
	mkdir --mode=755 shut
	chmod 755 .
	echo before >shut/a.folded
	expect_fail 1 as alice oxprofctl query -o shut/a.folded
	expect_fail 1 as alice oxprofctl query -o shut/b.folded
	expect_match "$err" 'cannot write shut/b.folded: Permission denied'
	expect_equal "$(cat shut/*)" before

	# A disk that is full on the way.
	mkdir small
	mount -t tmpfs -o size=4k tmpfs small
	expect_fail 1 oxprofctl query -o small/a.html
	expect_equal "$(ls -A small)" ""
	umount small

	# Who reads no further is told nothing.
	(set +o pipefail && oxprofctl query --format=folded 2>err | head -n 1 >first)
	expect_equal "$(cat err)" ""
	expect_equal "$(wc -l <first)" 1
	mkfifo fifo
	cat fifo >through &
	oxprofctl query --format=folded -o fifo
	wait $!
	cmp through a.folded
	oxprofctl query --format=folded -o /dev/stdout | cmp - a.folded
}

# Bytes are not for the screen.
case_report_terminal() {
	need script
	report_sample
	script -qec 'oxprofctl query --format=pprof' /dev/null >screen </dev/null && fail 'written to a terminal'
	grep -q 'not for a terminal; write it to a file with -o FILE.pb.gz' screen
	expect_equal "$(wc -l <screen)" 1
	script -qec 'oxprofctl flamegraph' /dev/null >screen </dev/null
	expect_match "$(cat screen)" '^oxprofctl: wrote oxprof-flamegraph.html'
	head -c 200 oxprof-flamegraph.html | grep -qi '<!doctype html'
	oxprofctl flamegraph | cmp - oxprof-flamegraph.html
}

# What is not in it is said, beside the file.
case_report_of_others() {
	report_sample
	as alice oxprofctl query --format=folded >a.folded 2>err
	expect_equal "$(cat err)" "oxprofctl: query: only your own processes are included; those of others \
need authorisation (sudo)
oxprofctl: query: the frames of the kernel are left out; they need authorisation (sudo)"
	grep -q leaf_spin a.folded
	expect_not grep -q work.py a.folded
	expect_not grep -q __main__ a.folded
	as alice oxprofctl query --format=csv >a.csv 2>err
	expect_equal "$(cat err)" "oxprofctl: query: only your own processes are included; those of others \
need authorisation (sudo)"
	as bob oxprofctl query --format=folded 2>err >b.folded
	grep -q 'there are no samples' err
	expect_equal "$(cat b.folded)" ""
	expect_fail 1 oxprofctl query --format=folded --filter='('
}
