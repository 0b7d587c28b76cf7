# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Files are opened with the rights of the process that they belong to: what a process or a file of it
# names is not opened where its user could not.

# Starts to write down who opens these files: ok while nobody did.
watch_files() {
	need python3
	python3 -u - "$@" >/tmp/opened <<-'END' &
		import ctypes, os, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		OPEN_ACCESS, ADD, AT_FDCWD = 0x21, 1, -100
		fanotify = libc.fanotify_init(0, os.O_RDONLY)
		for path in sys.argv[1:]:
		    if libc.fanotify_mark(fanotify, ADD, ctypes.c_uint64(OPEN_ACCESS), AT_FDCWD, path.encode()):
		        sys.exit(f"cannot watch {path}: {os.strerror(ctypes.get_errno())}")
		print("watching")
		while True:
		    data = os.read(fanotify, 65536)
		    while data:
		        length, mask, fd, pid = struct.unpack_from("I4xQii", data)
		        data = data[length:]
		        # Not of this machine: what profiles the one that it runs on sees these files, too.
		        if pid == 0:
		            os.close(fd)
		            continue
		        try:
		            who = open(f"/proc/{pid}/comm").read().strip()
		        except OSError:
		            who = "somebody"
		        print("opened", os.readlink(f"/proc/self/fd/{fd}"), "by", who)
		        os.close(fd)
	END
	wait_until grep -q watching /tmp/opened
}

was_opened() {
	grep -q "^opened $1 by oxprof-deputy\$" /tmp/opened
}

# A debug file of a program, as dwz makes it: what is shared with others lies at that path.
make_shared() {
	local name=$1 shared=$2
	printf 'int work(void);\nint work(void) { volatile unsigned i = 0; for (;;) i++; }\n%s\n' \
		'int main(void) { return work(); }' >"$name.c"
	gcc -g -O1 -fno-inline -o "$name" "$name.c"
	cp "$name" "$name.other"
	dwz -m "$name.shared" -M "$shared" "$name" "$name.other"
}

# What was seen: an alternate debug file that is root's own made the daemon open it.
case_files_that_a_file_names() {
	local secret=/root/secret.debug beside=/opt/oxtest/alice
	need gcc dwz
	mkdir -p "$beside"
	cd "$beside"
	make_shared near "$secret"
	make_shared linked /usr/lib/debug/.dwz/oxtest
	install -m 600 near.shared "$secret"
	mkdir -p /usr/lib/debug/.dwz
	install -m 600 linked.shared /usr/lib/debug/.dwz/oxtest
	# A debug link that leads elsewhere by a link of alice's.
	objcopy --only-keep-debug linked linked.debug
	objcopy --strip-all --add-gnu-debuglink=linked.debug linked stripped
	install -m 600 linked.debug /root/linked.debug
	ln -sf /root/linked.debug linked.debug
	chown -hR alice: "$beside"
	watch_files "$secret" /usr/lib/debug/.dwz/oxtest /root/linked.debug
	for name in near linked stripped; do
		spawn alice "$beside/$name"
		as alice oxprofctl unpause --pid="$pid" --frequency=999
		spend 300 "$pid"
		out=$(as alice oxprofctl query --json --max=0)
		expect_json 'd["samples"] > 50'
		as alice oxprofctl pause --pid="$pid"
		kill "$pid"
	done
	# As root does, who may open them: a name that stands in a file of alice's is still alice's.
	systemctl restart oxprofd
	spawn root "$beside/near"
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	query
	oxprofctl pause
	expect_equal "$(cat /tmp/opened)" watching
	# The watch sees it where it is not so.
	chmod 644 /usr/lib/debug/.dwz/oxtest
	systemctl restart oxprofd
	spawn alice "$beside/linked"
	as alice oxprofctl unpause --pid="$pid" --frequency=999
	wait_until was_opened /usr/lib/debug/.dwz/oxtest
	as alice oxprofctl pause --pid="$pid"
	rm -r "$beside" "$secret" /root/linked.debug /usr/lib/debug/.dwz/oxtest
}

# What is alice's alone is read with alice's rights: a debug file in a closed directory, and a perf map.
case_files_of_the_user_alone() {
	local dir=/home/alice/closed
	need gcc
	mkdir -p "$dir"
	cd "$dir"
	printf 'int work(void);\nint work(void) { volatile unsigned i = 0; for (;;) i++; }\n%s\n' \
		'int main(void) { return work(); }' >own.c
	gcc -g -O1 -fno-inline -o own own.c
	objcopy --only-keep-debug own own.debug
	objcopy --strip-all --add-gnu-debuglink=own.debug own
	chmod 600 own.debug
	chown -R alice: "$dir" && chmod 700 "$dir"
	cd /
	spawn alice "$dir/own"
	as alice oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	out=$(as alice oxprofctl query --json --max=0)
	expect_json 'any(r["function"] == "work" for r in d["records"])'
	as alice oxprofctl pause --pid="$pid"
	kill "$pid"
	rm -r "$dir"
}

# A perf map of root's that alice linked to its own place, where the machine allows that.
case_perf_map_of_root() {
	spawn alice /opt/oxtest/jitcode none
	echo "0 7fffffffffff leaked" >/tmp/of-root
	chmod 600 /tmp/of-root
	ln /tmp/of-root "/tmp/perf-$pid.map"
	watch_files /tmp/of-root
	as alice oxprofctl unpause --pid="$pid" --frequency=999
	spend 500 "$pid"
	out=$(as alice oxprofctl query --json --max=0)
	expect_json 'd["samples"] > 50 and not any(r["function"] == "leaked" for r in d["records"])'
	as alice oxprofctl pause --pid="$pid"
	expect_equal "$(cat /tmp/opened)" watching
	rm /tmp/of-root "/tmp/perf-$pid.map"
}
