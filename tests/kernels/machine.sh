# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A virtual machine with another kernel, emulated: the kernel of a Debian suite over a root directory
# and what was installed for it, neither of which it changes. To be sourced by bash, as root, after
# tests/mirror.sh:
#
#   kernel_fetch SUITE DIRECTORY CACHE   makes DIRECTORY/vmlinuz, initramfs and release (its name); CACHE
#                                        keeps what is downloaded
#   kernel_boot DIRECTORY ROOT STAGE     boots it over STAGE over ROOT and waits for its end; what
#                                        it reports is in DIRECTORY/report, what its kernel said in
#                                        DIRECTORY/console
#
# Its clock goes by the instructions that it executes, two nanoseconds each, and by the real one only
# while it waits. So it sees the same however little of a CPU the emulator gets, and how long it takes
# says nothing. A clock of that kind has one CPU to count by, so it has no second one.

KERNEL_PATTERN='linux-(image|base|binary|modules)-[0-9][^ ]*'
KERNEL_MODULES=(virtio_pci 9p 9pnet_virtio overlay)
# A machine that has not turned itself off until then never will.
KERNEL_SECONDS_MAX=1500

kernel_fetch() {
	local suite=$1 directory=$2 cache=$3 package
	mkdir -p "$directory/files" "$cache"
	mirror_download "$cache" "$suite" linux-image-amd64 "$KERNEL_PATTERN" \
		>"$directory/packages" || return 1
	# Of the modules those only among which ours are: there are 400 MB of them.
	while read -r package; do
		dpkg-deb --fsys-tarfile "$package" | tar -C "$directory/files" -x --wildcards \
			--wildcards-match-slash '*/vmlinuz*' '*/modules.*' '*/kernel/fs/*' \
			'*/kernel/net/9p/*' '*/kernel/drivers/virtio/*' 2>/dev/null
	done <"$directory/packages"
	kernel_make_initramfs "$directory"
}

# The kernel and its modules lie in other places in each release.
kernel_make_initramfs() {
	local directory=$1 inside=$1/initramfs.d modules base release path file
	find "$directory/files" -name 'vmlinuz*' -exec cp {} "$directory/vmlinuz" \;
	modules=$(find "$directory/files" -path '*/lib/modules/*' -name kernel -prune)
	modules=${modules%/kernel}
	release=${modules##*/}
	base=${modules%/lib/modules/*}
	echo "$release" >"$directory/release"
	depmod -b "$base" "$release" || return 1
	mkdir -p "$inside/bin" "$inside/modules"
	cp /bin/busybox "$inside/bin"
	cp "${BASH_SOURCE[0]%/*}/init" "$inside/init"
	for file in "${KERNEL_MODULES[@]}"; do
		modprobe -d "$base" -S "$release" --show-depends "$file" || return 1
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$1]++' >"$directory/modules"
	while read -r path; do
		file=${path##*/}
		case $file in
		*.xz) xz -dc "$path" >"$inside/modules/${file%.xz}" ;;
		*) cp "$path" "$inside/modules/$file" ;;
		esac
		echo "${file%.xz}" >>"$inside/modules/order"
	done <"$directory/modules"
	(cd "$inside" && find . | cpio --quiet -o -H newc) >"$directory/initramfs"
}

# A directory of this machine, as the other one sees it.
kernel_share() {
	echo "local,path=$2,mount_tag=$1,security_model=passthrough,readonly=on,multidevs=remap"
}

kernel_boot() {
	local directory=$1 root=$2 stage=$3
	: >"$directory/report"
	: >"$directory/console"
	# If this shell is killed, so is the machine.
	setpriv --pdeathsig TERM timeout --foreground "$KERNEL_SECONDS_MAX" \
		qemu-system-x86_64 -nodefaults -display none -no-reboot -accel tcg -icount shift=1 \
		-cpu max -smp 1 -m 3G -kernel "$directory/vmlinuz" -initrd "$directory/initramfs" \
		-append "console=ttyS0 quiet panic=-1" \
		-serial "file:$directory/console" -serial "file:$directory/report" \
		-virtfs "$(kernel_share root "$root")" -virtfs "$(kernel_share stage "$stage")" \
		>"$directory/emulator" 2>&1 </dev/null
}
