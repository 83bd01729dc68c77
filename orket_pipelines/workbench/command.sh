# One command in a workbench's container: sh -c THIS orket DEADLINE COMMAND [ARGUMENT...]
# Only what the shell itself can do happens around the command, so that it works at the limit of processes, too.

# How many processes the kernel has killed here for want of memory (cgroup 2, cgroup 1).
count_kills() {
    kills=0
    for events in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        [ -r "$events" ] || continue
        while read -r name count; do
            [ "$name" = oom_kill ] && kills=$count
        done <"$events"
    done
}

# What the shell says about children that were killed is not the command's output.
exec 2>/dev/null
umask 022
deadline=$1
shift
count_kills
before=$kills
# In a process group of its own, so that `kill 0` does not reach this shell. Output and errors through one pipe, so that
# they come in order. The parentheses keep this shell's own errors where they go.
(exec timeout --signal=KILL "$deadline" "$@" </dev/null 2>&1)
code=$?
# All that this user runs here but this shell, at one stroke, whatever sessions and parents they have: no fork escapes.
# The process that keeps the container running belongs to another user.
kill -9 -1
count_kills
[ "$kills" = "$before" ] || echo "[the kernel killed a process of this command: the container's memory was used up]"
exit "$code"
