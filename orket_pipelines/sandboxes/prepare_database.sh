# Run once by `sh` in the folder of a database's secrets, before it starts: its password, which is made at the first time,
# and files with it. Arguments: a file's name and its text, in which {password} stands for the password; and so on.
set -eu
umask 077
if ! [ -s password ]; then
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > .password
    mv .password password
fi
while [ $# -gt 0 ]; do
    printf '%s' "$2" | sed "s/{password}/$(cat password)/g" > ".$1"
    mv ".$1" "$1"
    shift 2
done
