# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The parts of inside.sh that are of Python: what a sample with Python frames costs in the kernel, and
# what being sampled costs a Python program, beside others who do that.

python=/usr/bin/python3
python_frames=/opt/oxtest/frames.py
# The newest that austin of Debian 12 (1.0.1) can read.
python_old=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.8.*/bin/python3 2>/dev/null | head -n 1)

# Of the samples there are the frames of a stack by kind: native, kernel, python.
mean_frames() {
	sql "WITH RECURSIVE
		walk(node, n) AS (
			SELECT node, sum(n) FROM sample WHERE node > 0 GROUP BY node
			UNION ALL
			SELECT parent, n FROM walk JOIN node ON node.id = walk.node WHERE parent > 0)
		SELECT coalesce(sum(n), 0) * 1.0 / (SELECT sum(n) FROM sample WHERE node > 0)
		FROM walk JOIN node ON node.id = walk.node JOIN frame ON frame.id = node.frame
			JOIN function ON function.id = frame.function
		WHERE kind = $1"
}

# Five means of a sample below so many Python frames, so many of them called by C code, in $values.
python_sample_ns() {
	local i
	daemon_reset
	spawn_on_each_cpu $python $python_frames "$@" >/dev/null
	oxprofctl unpause "${targets[@]}" --frequency=999
	sleep 2
	values=()
	for ((i = 0; i < 5; i++)); do
		values+=("$(sample_ns)")
	done
	oxprofctl pause
	kill_all
}

measure_python() {
	local n i values few=() each=()
	for n in 5 20 100 400; do
		python_sample_ns $n
		row "kernel: a sample of $n Python frames" "ns" "${values[@]}"
		[ $n != 5 ] || few=("${values[@]}")
		[ $n != 5 ] || row "kernel: native frames of that, above and below" "" \
			"$(calculate "$(mean_frames 0)")"
		# There have to be that many, or the figures say nothing.
		row "kernel: Python frames of that, as stored" "" "$(calculate "$(mean_frames 2)")"
	done
	for ((i = 0; i < 5; i++)); do
		each+=("$(calculate "(${values[i]} - ${few[i]}) / 395")")
	done
	row "kernel: a Python frame beyond five" "ns" "${each[@]}"
	for n in 0 2; do
		python_sample_ns 10 $n
		row "kernel: a sample of 10 Python frames, $n called by C" "ns" "${values[@]}"
		row "kernel: native frames of that" "" "$(calculate "$(mean_frames 0)")"
	done
}

# Each of these runs $job; what it prints is in $slices.
python_alone() {
	echo | "${job[@]}" >"$slices"
}

python_walked() {
	echo | $python walker.py "${job[@]:1}" >"$slices"
}

python_austin() {
	echo | austin -i 1000 -o "$recording" "${job[@]}" >"$slices" 2>/dev/null
}

# The interpreter, then the ways by the names of their functions: for each round each of them after one
# run alone, so that what else goes on is in both.
python_rounds() {
	local way round alone
	local -A ratios=()
	job=("$1" "$python_frames" 20 0 "$(either 200 100)")
	shift
	daemon_reset
	python_alone
	for ((round = 0; round < $(either 15 3); round++)); do
		for way; do
			python_alone
			alone=$(slice_ns)
			"$way"
			ratios[$way]+="$(calculate "$(slice_ns) / $alone") "
		done
	done
	for way; do
		# shellcheck disable=SC2086
		row "$version at 999 Hz: ${python_ways[$way]}" "ratio" ${ratios[$way]}
	done
}

declare -A python_ways=(
	[python_alone]="none, for the noise"
	[job_under_oxprof]="oxprof"
	[job_under_perf]="perf record -g"
	[python_walked]="a thread that walks sys._current_frames()"
	[python_austin]="austin"
)

measure_python_slow() {
	local slices recording job version
	slices=$(mktemp)
	recording=$(mktemp)
	version="Python 3.11"
	python_rounds $python python_alone job_under_oxprof job_under_perf python_walked
	if [ -x "$python_old" ]; then
		version="Python 3.8"
		python_rounds "$python_old" python_alone job_under_oxprof python_austin
	fi
	rm "$slices" "$recording"
}
