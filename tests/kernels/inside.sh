#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The inside half of tests/kernels/run, as PID 1 of the virtual machine: becomes systemd, which runs
# the cases, has them reported on the second serial line, and turns the machine off.
set -e
if [ $$ != 1 ]; then
	echo "inside.sh: is for the inside of the virtual machine of tests/kernels/run" >&2
	exit 2
fi
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
here=/opt/oxtest/tests

mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
# shellcheck source-path=SCRIPTDIR source=../system/boot.sh
. $here/system/boot.sh
machine_strip ""
rm -f /.dockerenv
cat >/etc/systemd/system/oxkernels.service <<-END
	[Unit]
	After=multi-user.target
	SuccessAction=poweroff-force
	FailureAction=poweroff-force
	[Service]
	Type=oneshot
	Environment=LANG=C.UTF-8 HOME=/root TERM=dumb PATH=$PATH
	ExecStartPre=/opt/oxtest/units/activate
	ExecStart=/bin/bash -c 'exec bash $here/system/suite.sh "\$\$(cat $here/pattern)" $here/kernels/case_*.sh'
	StandardOutput=file:/dev/ttyS1
	StandardError=inherit
	ExecStopPost=/bin/bash -c 'journalctl -q --no-pager -n 20 -u oxkernels >/dev/console'
	END
mkdir /etc/systemd/system/multi-user.target.wants
ln -s ../oxkernels.service /etc/systemd/system/multi-user.target.wants
exec env -i PATH="$PATH" /lib/systemd/systemd --system --unit=multi-user.target \
	--show-status=false --log-target=journal
