#!/bin/sh
# What `make tunnel` does on the GPU machine. It is sent there behind lines that set its four variables, so nothing but
# a clone has to be there.
#   verb      look, start, watch or stop
#   folder    the clone, from the home folder
#   port      the service's; it also names what is started, so that it is found again
#   settings  lines of shell that export the service's environment
# Exit status: 0 done (look: it runs), 3 it does not run, 4 this machine lacks something; 255 is ssh's own.
set -eu
: "${verb:?}" "${folder:?}" "${port:?}" "${settings?}"

name=kikitori-$port
log=.cache/tunnel-$port.log
launch=.cache/tunnel-$port.sh

# A server of its own: the user's configuration could keep a session whose program has ended.
in_tmux() {
    tmux -L kikitori -f /dev/null "$@" 2>/dev/null
}

runs() {
    if in_tmux has-session -t "=$name"; then
        keeper="tmux (tmux -L kikitori attach -t $name)"
        process=$(in_tmux display-message -p -t "=$name:" '#{pane_pid}')
    elif systemctl --user --quiet is-active "$name" 2>/dev/null; then
        keeper="systemd (systemctl --user status $name)"
        process=$(systemctl --user show --property=MainPID --value "$name")
    else
        return 1
    fi
}

# A user's systemd ends with the last session, and all that it runs, unless the user may linger.
choose() {
    if systemctl --user show-environment >/dev/null 2>&1; then
        if [ -e "/var/lib/systemd/linger/$(id -un)" ]; then
            keeper=systemd
            return
        fi
        advice="loginctl enable-linger, as root with your name, lets systemd keep it"
    fi
    keeper=tmux
    command -v tmux >/dev/null ||
        lacks "tmux is missing there, and no systemd of yours stays when you leave: install tmux${advice:+, or: $advice}"
}

lacks() {
    echo "$1" >&2
    exit 4
}

enter() {
    if ! cd "$folder" 2>/dev/null || ! grep -qs '^service:' Makefile; then
        lacks "$folder there is no clone of Kikitori that knows 'make service': clone it, pull, or name it by FOLDER=..."
    fi
}

look() {
    if runs; then
        echo "The service runs there on port $port, kept by $keeper."
        return
    fi
    choose
    echo "The service does not run there on port $port; $keeper can keep it${advice:+ ($advice)}."
    exit 3
}

# A login shell, because uv is often on the path of those alone.
keep() {
    case $keeper in
    systemd) systemd-run --user --quiet --collect --same-dir --unit="$name" \
        --property=KillSignal=SIGINT --property=TimeoutStopSec=20 sh -l "$launch" ;;
    tmux) tmux -L kikitori -f /dev/null new-session -d -s "$name" "exec sh -l $launch" ;;
    esac
}

start() {
    choose
    mkdir -p .cache
    if ! (
        umask 077
        : >"$log" &&
        # Without -i, what stops the service would end tee before the service's last lines.
        printf '%s\n' "$settings" "rm $launch" "make --no-print-directory service 2>&1 | tee -i $log" >"$launch"
    ) || ! keep; then
        rm -f "$launch" # it holds secrets
        lacks "It could not be started there by $keeper; the line above says why."
    fi
    echo "Started there, kept by $keeper; its log is $folder/$log."
}

# Shows the log until the service or the connection ends.
watch() {
    if runs; then
        exec tail -n 20 -s 0.2 --pid="$process" -f "$log"
    fi
    tail -n 20 "$log"
}

stop() {
    if ! runs; then
        echo "The service does not run there on port $port."
        return
    fi
    case $keeper in
    systemd*) systemctl --user stop "$name" ;;
    tmux*)
        in_tmux send-keys -t "=$name:" C-c
        timeout 20 tail --pid="$process" -s 0.2 -f /dev/null || in_tmux kill-session -t "=$name"
        ;;
    esac
    echo "Stopped what ran there on port $port."
}

# In a function, which is read whole before it closes what it is read from.
main() {
    exec </dev/null
    [ "$verb" = stop ] || enter
    case $verb in
    look) look ;;
    start) start ;;
    watch) watch ;;
    stop) stop ;;
    esac
    exit
}

main
