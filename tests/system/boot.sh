# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A throw-away machine: systemd as PID 1 of its own namespaces, over an overlay of this machine's
# root (of $machine_root, where that is set) whose upper layer is memory. Bus, polkit, journal, sandboxing and BPF are the real ones;
# nothing that is done inside is seen outside. To be sourced by bash, as root:
#
#   machine_stage BUILD STAGE [WORKLOAD...]
#                                 installs a build into a directory, and the workloads (all) below
#                                 its opt/oxtest
#   machine_boot [DIRECTORY...]   boots one; the directories are bound at their own paths, read-only
#   machine_install STAGE         takes over what was installed with DESTDIR=STAGE and activates
#                                 oxprof; STAGE and the source tree have to be bound
#   machine_enter COMMAND...      runs a command inside as root, in a cgroup of the machine
#   machine_stop                  kills it and removes every trace; safe to call at any time
#
# Several may run at once, one for each shell. The caller sets the traps:
#   trap machine_stop EXIT; trap 'exit 130' INT; trap 'exit 143' TERM HUP

machine_root=${machine_root:-/}
machine_pid=""
machine_dir=""
machine_cgroup=""

# Runs as PID 1 of the new namespaces and ends by becoming systemd.
machine_init() {
	local dir=$1 root=$1/root lower=$2 node path
	shift 2
	set -e
	mount --make-rprivate /
	mount -t tmpfs -o size=75% tmpfs "$dir"
	mkdir "$dir/upper" "$dir/work" "$root"
	mount -t overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" overlay "$root"

	# As systemd-nspawn does it: what is the whole kernel's is read-only, /dev is of its own
	# (a bound one would get this machine's sockets and links).
	mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	mount -t sysfs -o nosuid,nodev,noexec,ro sysfs "$root/sys"
	mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	while read -r node path; do
		# shellcheck disable=SC2086
		mknod -m 666 "$root/dev/$node" c $path
	done <<-END
		null 1 3
		zero 1 5
		full 1 7
		random 1 8
		urandom 1 9
		tty 5 0
	END
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
	for path; do
		mkdir -p "$root$path"
		mount --bind "$path" "$root$path"
		mount -o remount,bind,ro "$root$path"
	done

	machine_strip "$root"
	cd "$root"
	mkdir -p run/old
	pivot_root . run/old
	umount -l run/old
	rmdir run/old
	exec env -i container=oxtest PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
		/lib/systemd/systemd --system --unit=multi-user.target --show-status=false \
		--log-target=journal </dev/null
}

# Takes out what this machine starts for itself: its enabled services, mounts and init scripts.
machine_strip() {
	local etc=$1/etc unit
	rm -rf "$etc"/systemd/system/*.wants "$etc"/systemd/system/*.requires
	: >"$etc/fstab"
	mkdir -p "$etc/systemd/system-generators" "$etc/systemd/journald.conf.d"
	ln -sf /dev/null "$etc/systemd/system-generators/systemd-sysv-generator"
	ln -sf /dev/null "$etc/systemd/system-generators/systemd-getty-generator"
	for unit in getty.target console-getty.service systemd-udevd.service \
		systemd-udev-trigger.service systemd-udev-settle.service systemd-networkd.service \
		systemd-resolved.service systemd-timesyncd.service systemd-modules-load.service; do
		ln -sf /dev/null "$etc/systemd/system/$unit"
	done
	printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' \
		>"$etc/systemd/journald.conf.d/oxtest.conf"
	# An installed oxprof of this machine is not the one under test.
	rm -rf "$etc/oxprof" "$1/var/lib/oxprof" "$etc/systemd/system/dbus-org.oxprof1.service" \
		"$etc"/systemd/system/oxprofd.service* "$etc"/systemd/system/oxprof-opener* "$etc"/systemd/system/oxprof-deputy*
}

machine_boot() {
	local hierarchy state="" unshare_pid tries
	if [ "$(id -u)" != 0 ]; then
		echo "machine_boot: needs root" >&2
		return 1
	fi
	hierarchy=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
	if [ -z "$hierarchy" ] || [ ! -w "$hierarchy/cgroup.procs" ]; then
		echo "machine_boot: no writable cgroup v2 hierarchy is mounted" >&2
		return 1
	fi
	machine_dir=$(mktemp -d /run/oxtest.XXXXXX) || return 1
	machine_cgroup=$hierarchy/${machine_dir##*/}
	mkdir "$machine_cgroup" || return 1

	# If this shell is killed, so is the machine.
	# shellcheck disable=SC2016
	setpriv --pdeathsig KILL bash -c '
		echo $$ >"$1/cgroup.procs" && shift &&
		exec unshare --fork --kill-child --pid --mount --cgroup --uts --ipc --net \
			bash -c ". \"\$0\"; machine_init \"\$@\"" "$@"
	' machine "$machine_cgroup" "${BASH_SOURCE[0]}" "$machine_dir" \
		"$machine_root" "$@" </dev/null >"$machine_dir.log" 2>&1 &
	unshare_pid=$!
	disown "$unshare_pid"

	for ((tries = 0; tries < 600; tries++)); do
		[ -d "/proc/$unshare_pid" ] || break
		# The one child of unshare; the file has no newline, so read says false.
		read -r machine_pid _ 2>/dev/null <"/proc/$unshare_pid/task/$unshare_pid/children" || true
		if [ -n "$machine_pid" ] && [ "$(cat "/proc/$machine_pid/comm")" = systemd ]; then
			state=$(machine_enter systemctl is-system-running 2>/dev/null) || true
			case $state in
			running | degraded)
				return 0
				;;
			esac
		fi
		sleep 0.1
	done
	echo "machine_boot: no systemd after ${tries} tries (state '$state'); its output:" >&2
	cat "$machine_dir.log" >&2
	machine_stop
	return 1
}

machine_enter() {
	# Without a cgroup of the machine the process would stand outside of what its systemd sees.
	mkdir -p "$machine_cgroup/enter"
	# In the background, so that the caller's traps need not wait for the end of the command.
	# shellcheck disable=SC2016
	bash -c 'echo $$ >"$1" && shift && exec "$@"' enter "$machine_cgroup/enter/cgroup.procs" \
		nsenter -t "$machine_pid" -p -m -C -u -i -n --wdns=/ \
		env -i --default-signal=INT,QUIT,HUP LANG=C.UTF-8 HOME=/root TERM=dumb \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" <&0 &
	wait $!
}

machine_stage() {
	local build=$1 stage=$2 root
	shift 2
	root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	mkdir -p "$stage/opt/oxtest"
	DESTDIR=$stage cmake --install "$build" >/dev/null &&
		"$root/tests/workloads/build" "$stage/opt/oxtest" "$@" >&2
}

machine_install() {
	local root
	root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	# shellcheck disable=SC2016
	machine_enter bash -c 'tar -C "$0" -c . |
		tar -C / -x --no-overwrite-dir --no-same-owner' "$1" &&
		machine_enter "$root/units/activate"
}

machine_stop() {
	local tries
	[ -n "$machine_dir" ] || return 0
	[ -z "$machine_pid" ] || kill -9 "$machine_pid" 2>/dev/null || true
	if [ -d "$machine_cgroup" ]; then
		echo 1 2>/dev/null >"$machine_cgroup/cgroup.kill" || true
		for ((tries = 0; tries < 100; tries++)); do
			find "$machine_cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true
			[ -d "$machine_cgroup" ] || break
			sleep 0.05
		done
	fi
	rm -rf "$machine_dir" "$machine_dir.log"
	machine_pid=""
	machine_dir=""
	machine_cgroup=""
}
