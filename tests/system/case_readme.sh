# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The examples of README.md, "First use", as they stand there: the commands of its block of code, and those of
# its table. With case_top.sh and case_web.sh.

readme=$PWD/../../README.md
workloads=$PWD/../workloads

readme_section() {
	sed -n '/^## First use$/,/^## Limits$/p' "$readme"
}

# Prints the commands of the table, and each with what its row names beside it: an option, another file.
readme_table() {
	readme_section | awk '/^\| / {
		command = ""
		n = split($0, part, "`")
		for (i = 2; i <= n; i += 2) {
			other = command
			if (part[i] ~ /^(oxprofctl|sqlite3) /)
				other = command = part[i]
			else if (part[i] ~ /^--format=/)
				sub(/ -o [^ ]*/, " " part[i], other)
			else if (part[i] ~ /^--/ && command != "")
				other = command " " part[i]
			else if (part[i] ~ /^out\./)
				sub(/out\.[a-z.]*/, part[i], other)
			if (other != "")
				print other
		}
	}'
}

# Runs a line in a shell of alice, who goes on in it: sets `out`. Root does what she says with sudo.
readme_type() {
	local line=$1 last="" one
	echo "\$ $line"
	if [[ $line == sudo\ * ]]; then
		expect_ok bash -c "${line#sudo }"
		return
	fi
	printf '%s\necho "exit $?"\n' "$line" >&"${shell[1]}"
	out=""
	while read -r one <&"${shell[0]}" && [[ $one != exit\ * ]]; do
		out+=$one$'\n'
	done
	echo "$out"
	expect_equal "$one" 'exit 0'
}

# Fails unless the file begins as one of its name should.
expect_begins() {
	case $1 in
	*.html) head -c 15 "$1" | grep -qi '^<!doctype html' ;;
	*.pb.gz) expect_equal "$(head -c 2 "$1" | od -An -tx1)" ' 1f 8b' && gzip -t "$1" ;;
	*.folded) expect_match "$(head -n 1 "$1")" '^[^ ].*;.* [0-9]+$' ;;
	*.csv) expect_match "$(head -n 2 "$1")" '^([a-z_]+,)+[a-z_]+'$'\r?\n''[^,]+,' ;;
	*) fail "it is not known how $1 should begin" ;;
	esac
}

# Fails unless the command ends well and prints that.
expect_output() {
	expect_ok bash -c "$2"
	expect_match "$out" "$1"
}

# Runs a command of the table. Each is known here: for a new one it has to be said how it should come out.
expect_example() {
	local line=$1 file
	echo "\$ $line"
	case $line in
	*' -o '*)
		expect_output '^$' "$line"
		file=${line#* -o }
		expect_begins "${file%% *}"
		;;
	*--format=speedscope) expect_output '^\{"[$]schema":' "$line" ;;
	'oxprofctl query '*) expect_output '^ *SELF +SELF% +TOTAL +TOTAL% +KIND +NAME' "$line" ;;
	'oxprofctl tree '*) expect_output 'TOTAL% +SELF% +HITS +NAME.*parse_some\(made\)' "$line" ;;
	'oxprofctl diff '*) expect_output '^ *BASE +WITH +CHANGE' "$line" ;;
	'oxprofctl status') expect_output 'oxprofd [0-9.]+.* State: paused' "$line" ;;
	'sqlite3 '*) expect_output 'CREATE VIEW functions' "$line" ;;
	'oxprofctl top')
		terminal_open 100 30 "$line"
		expect_shown 'SELF% +TOTAL +TOTAL%'
		terminal_press q
		expect_shown '^exit 0'
		;;
	'oxprofctl web')
		web_start root
		kill -INT "$web_pid"
		wait "$web_pid"
		;;
	*) fail "it is not known what '$line' does" ;;
	esac
}

# Alice has a copy of the sources, and no password.
case_readme_first_use() {
	local line lines shown=""
	install -D -o alice -m 644 "$workloads/sample.py" /home/alice/oxprof/tests/workloads/sample.py
	systemctl stop oxprofd
	cd /home/alice/oxprof || exit
	coproc shell { as alice bash --noprofile --norc 2>&1; }
	mapfile -t lines < <(readme_section | sed -n 's/^    \$ //p')
	for line in "${lines[@]}"; do
		readme_type "$line"
		[[ $line != *'oxprofctl show'* ]] || shown=$out
	done
	expect_match "$shown" '^Function +Hits +%'
	expect_match "$shown" 'count_primes\(__main__\) +[0-9]+ +[0-9.]+'
	expect_match "$shown" '[0-9]+ samples, [0-9]+ distinct stacks'
	expect_match "$shown" 'Only your own processes are counted'
	is_state paused
}

# On a history of the last two hours, in which a function is called as in the table.
case_readme_table() {
	local line lines
	systemctl stop oxprofd
	python3 /opt/oxtest/same_load.py "$database"
	sqlite3 "$database" "UPDATE function SET function = 'parse_some' WHERE function = 'some';
		CREATE TEMP TABLE later AS
			SELECT (($EPOCHSECONDS - 7200) * 1000000 - min(started)) / 10000000 AS windows FROM session;
		UPDATE session SET started = started + windows * 10000000, ended = ended + windows * 10000000,
			seen = seen + windows * 10000000 FROM later;
		UPDATE sample SET t = t + windows FROM later"
	daemon_start
	cd "$(mktemp -d)" || exit
	mapfile -t lines < <(readme_table)
	[ ${#lines[@]} -ge 10 ] || fail "there are ${#lines[@]} commands"
	for line in "${lines[@]}"; do
		expect_example "$line"
	done
}
