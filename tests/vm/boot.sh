# A machine in a machine: `sh -eu boot.sh enter ...`, by machine.py, as root, in a mount namespace of its own.
# Nothing here is seen outside: the root is an overlay in memory of the host's, and all goes with the namespaces.
work=$2 root=$2/root

# Whether this could be done here at all.
probe() {
    make_cgroup
    unshare -f -m -p -n -u -i -C sh -eu "$0" try "$work"
}

try() {
    make_memory && overlay root / "$root"
    mount -t proc proc "$root/proc" && mount -t sysfs sysfs "$root/sys" && mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    chroot "$root" true
}

# A cgroup of our own is the machine's root of cgroups; it is swept up after the machine has gone.
enter() {
    make_cgroup
    sh -c 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"' - "$group" \
        setpriv --pdeathsig KILL unshare --kill-child -f -m -p -n -u -i -C sh -eu "$0" boot "$@"
}

make_cgroup() {
    mkdir "$work/cgroup" && mount -t cgroup2 cgroup2 "$work/cgroup"
    group="$work/cgroup/laegeknap-vm-$$"
    mkdir "$group"
    trap 'find "$group" -depth -type d -exec rmdir {} +' EXIT
}

make_memory() {
    mkdir "$work/memory" && mount -t tmpfs -o mode=755 tmpfs "$work/memory"
}

overlay() { # name, what is below, where
    mkdir -p "$work/memory/$1/upper" "$work/memory/$1/work" "$3"
    mount -t overlay -o "lowerdir=$2,upperdir=$work/memory/$1/upper,workdir=$work/memory/$1/work" overlay "$3"
}

# The host's root, our environment in /opt/laegeknap, and the Python it was made from, out of anybody's home.
make_root() {
    make_memory
    overlay root / "$root"
    overlay venv "$venv" "$root/opt/laegeknap"
    mkdir "$root/opt/python" && mount --bind -o ro "$python" "$root/opt/python"
}

# What is not of our own namespaces is read-only: nothing the machine does shall change the host.
make_kernel_files() {
    mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
    for name in sys sysrq-trigger irq bus; do
        [ ! -e "$root/proc/$name" ] || mount --bind -o ro "$root/proc/$name" "$root/proc/$name"
    done
    mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
    for node in null:3 zero:5 full:7 random:8 urandom:9 console:3; do
        mknod -m 666 "$root/dev/${node%:*}" c 1 "${node#*:}"
    done
    mknod -m 666 "$root/dev/tty" c 5 0
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
}

# Of the host's own services only the journal and the makers of users and directories are left: no getty, no udev, no
# logind, no network, no clock, no sysctl, and nothing else that happens to be installed here.
make_bare_system() {
    cd "$root"
    rm -rf etc/systemd/system etc/systemd/system-generators usr/lib/systemd/system-generators etc/init.d etc/rc?.d
    rm -rf usr/lib/systemd/system/*.wants etc/tmpfiles.d etc/sysusers.d etc/laegeknap var/lib/laegeknap*
    : > etc/fstab
    tr -d - < proc/sys/kernel/random/uuid > etc/machine-id
    echo home-12-room-4 > etc/hostname
    mkdir -p etc/systemd/system/sockets.target.wants etc/systemd/system/sysinit.target.wants
    ln -s /dev/null etc/systemd/system/systemd-journald-audit.socket
    for socket in systemd-journald systemd-journald-dev-log; do
        ln -s "/usr/lib/systemd/system/$socket.socket" etc/systemd/system/sockets.target.wants/
    done
    for service in systemd-journald systemd-tmpfiles-setup systemd-sysusers; do
        ln -s "/usr/lib/systemd/system/$service.service" etc/systemd/system/sysinit.target.wants/
    done
}

# As the guide says: an environment with the project in it, not the checkout; then the files of systemd/.
install_project() {
    cp -r "$source" "$root/tmp/source" && cd "$root"
    echo /opt/python/lib > etc/ld.so.conf.d/laegeknap-python.conf && chroot . ldconfig
    rm opt/laegeknap/bin/python* && ln -s "/opt/python/bin/$version" opt/laegeknap/bin/python
    printf 'home = /opt/python/bin\ninclude-system-site-packages = false\n' > opt/laegeknap/pyvenv.cfg
    chroot . /opt/laegeknap/bin/python -m pip install --quiet --no-index --no-deps --no-build-isolation \
        --force-reinstall --disable-pip-version-check --root-user-action=ignore /tmp/source
    chroot . /opt/laegeknap/bin/python /tmp/source/tools/install.py station region
    chroot . systemd-sysusers
    cp -r tmp/source/files/. .
    chroot . systemctl --quiet enable "$@"
    rm -r tmp/source
}

boot() { # work folder, base Python, its name, environment, the project's copy, units to enable
    python=$2 version=$3 venv=$4 source=$5
    shift 5
    make_root
    make_kernel_files
    make_bare_system
    install_project "$@"
    cd "$root" && mkdir mnt/host && pivot_root . mnt/host
    # Without these rights it can neither set the host's clock nor load anything into its kernel.
    exec chroot . setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-syslog sh -c \
        'umount -l /mnt/host && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=other /usr/lib/systemd/systemd'
}

"$@"
