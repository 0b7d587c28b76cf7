# SPDX-License-Identifier: MIT
# bash completion for oxprofctl. A test holds the words against the tables of the program.

_oxprofctl_verbs='status unpause pause cancel set-interval query show flamegraph tree diff top web history resymbolize doctor'

# The options of a verb; without one, those that every verb takes.
_oxprofctl_options() {
	local targets='--pid= --comm= --unit= --cgroup= --user= --all'
	local window='--since= --until='
	local scope='--session= --all-users'
	local kind='--python-only --native-only'

	case $1 in
	unpause) echo "$targets --children --mode= --interval= --frequency= --for=" ;;
	status | cancel | set-interval) echo "$scope" ;;
	pause) echo "$targets $scope" ;;
	query) echo "$targets --filter= --max= $window --session= --sort= --by= $kind --threshold= --format= --output=" ;;
	show) echo "$targets --filter= --max= $window --session= $kind" ;;
	flamegraph) echo "$targets --filter= $window --session= $kind --threshold= --output=" ;;
	tree) echo "$targets --filter= $window --session= $kind --focus= --threshold=" ;;
	diff) echo "$targets --filter= --max= --base= --with= $kind --threshold= --format= --output=" ;;
	top) echo "$targets --filter= --session= --sort= $kind" ;;
	web) echo '--port=' ;;
	history) echo "--max= $window $scope" ;;
	esac
	echo '--json --no-pager --no-ask-password --help --version'
}

# The values of an option, one a line. 1: it takes none.
_oxprofctl_values() {
	case $1 in
	--pid) ps -A -o pid= 2>/dev/null | tr -d ' ' ;;
	--comm) ps -A -o comm= 2>/dev/null | sort -u ;;
	--unit) systemctl list-units --plain --no-legend --no-pager 2>/dev/null | cut -d ' ' -f 1 ;;
	--cgroup) (cd /sys/fs/cgroup 2>/dev/null && compgen -d -P / -- "${2#/}") ;;
	--user) compgen -u ;;
	--mode) printf '%s\n' cpu wall ;;
	--sort) printf '%s\n' self total name ;;
	--by) printf '%s\n' function module file line stack process thread unit user ;;
	--interval) printf '%s\n' 0.001 0.01 0.1 ;;
	--frequency) printf '%s\n' 99 999 ;;
	--for) printf '%s\n' 10s 1min 10min 1h ;;
	--since | --until) printf '%s\n' -5min -1h now today yesterday ;;
	--base | --with) printf '%s\n' -2h..-1h -10min.. yesterday..today session:1 ;;
	--session)
		echo all
		oxprofctl history --json 2>/dev/null | grep -o '"id": *[0-9]*' | tr -dc '0-9\n'
		;;
	--format) printf '%s\n' table json csv folded pprof speedscope flamegraph ;;
	--output | -o) compgen -f -- "${2-}" ;;
	--threshold) printf '%s\n' 0 0.1 0.5 1 5 ;;
	--port) printf '%s\n' 8080 ;;
	--filter | --focus | --max) ;;
	*) return 1 ;;
	esac
}

# Not by compgen -W, which would run a process that is named like "$(command)".
_oxprofctl_offer() {
	local cur=$1 word

	while read -r word; do
		[[ $word == "$cur"* ]] && COMPREPLY+=("$(printf %q "$word")")
	done
}

_oxprofctl() {
	local cur prev words cword split verb='' values
	_init_completion -s || return

	# "--pid=4" comes as prev "--pid" and cur "4", and so does "--pid 4".
	if [[ $prev == --* || $prev == -o ]] && values=$(_oxprofctl_values "$prev" "$cur"); then
		_oxprofctl_offer "$cur" <<<"$values"
		return
	fi
	$split && return

	local word
	for word in "${words[@]:1:cword-1}"; do
		if [[ " $_oxprofctl_verbs " == *" $word "* ]]; then
			verb=$word
			break
		fi
	done
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_oxprofctl_options "$verb")" -- "$cur")
		[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
	elif [[ -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$_oxprofctl_verbs" -- "$cur")
	fi
}

complete -F _oxprofctl oxprofctl
