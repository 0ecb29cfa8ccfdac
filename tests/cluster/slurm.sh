#!/bin/bash
# Runs a study on a Slurm of two nodes that this machine plays, and takes it down: nothing else may be Slurm here.
#
#   bash tests/cluster/slurm.sh STUDY.yaml [--without-accounting] [--kill-node] [-- TARGETS AND OPTIONS OF SNAKEMAKE]
#
# Needs root and Debian's packages slurmctld, slurmd, slurm-client, munge, and, for accounting, slurmdbd and
# mariadb-server; and Snakemake's Slurm plugin on PATH's Python (docs/how-to/slurm.md). Call it in the project's folder.
# With accounting, Snakemake asks sacct how jobs end, and the jobs with their times are printed at the end; without it,
# squeue. --kill-node kills the processes of node n2 while it trains, and starts it again a minute later.
set -euo pipefail

study=$1; shift
accounting=yes kill_node=no
while [ $# -gt 0 ]; do
  case $1 in
    --without-accounting) accounting=no ;;
    --kill-node) kill_node=yes ;;
    --) shift; break ;;
    *) echo "Unknown option $1: see the head of this script." >&2; exit 2 ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || { echo "Slurm's daemons must be started by root." >&2; exit 2; }

work=$(mktemp -d /tmp/slurm-XXXXXX)
mkdir -p "$work"/{state,spool,log,database} /etc/slurm /run/munge
host=$(hostname -s)

take_down() {
  scancel --user root 2> /dev/null || true
  pkill -f "slurmd -N" || true
  pkill slurmctld || true
  pkill slurmdbd || true
  sleep 1
  [ "$accounting" = no ] || mariadb-admin --socket="$work/database/mysql.sock" shutdown || true
  rm -f /etc/slurm/slurm.conf /etc/slurm/slurmdbd.conf
  echo "Logs of the daemons: $work/log"
}
trap take_down EXIT

# The processes of the jobs on node n2, or those of them whose command has a word in it.
processes_of_n2() {
  grep -lzs '^SLURMD_NODENAME=n2$' /proc/[0-9]*/environ | cut -d/ -f3 | while read -r process; do
    tr '\0' ' ' < "/proc/$process/cmdline" 2> /dev/null | grep -q -- "${1:-}" && echo "$process"
  done || true
}

start_database() {
  chmod 755 "$work"
  chown mysql "$work/database"
  mariadb-install-db --user=mysql --datadir="$work/database" > "$work/log/install.log" 2>&1
  mariadbd --user=mysql --datadir="$work/database" --socket="$work/database/mysql.sock" --skip-networking \
    --pid-file="$work/database/mysql.pid" > "$work/log/mariadb.log" 2>&1 &
  for _ in $(seq 60); do mariadb-admin --socket="$work/database/mysql.sock" ping > /dev/null 2>&1 && break; sleep 1; done
  mariadb --socket="$work/database/mysql.sock" -e "create database slurm; create user 'slurm'@'localhost';
    grant all on slurm.* to 'slurm'@'localhost';"
  cat > /etc/slurm/slurmdbd.conf <<END
AuthType=auth/munge
DbdHost=localhost
SlurmUser=root
StorageType=accounting_storage/mysql
StorageUser=slurm
StorageLoc=slurm
LogFile=$work/log/slurmdbd.log
PidFile=$work/slurmdbd.pid
END
  chmod 600 /etc/slurm/slurmdbd.conf
  MYSQL_UNIX_PORT="$work/database/mysql.sock" slurmdbd
  for _ in $(seq 60); do sacctmgr --immediate add cluster test > /dev/null 2>&1 && break; sleep 1; done
  sacctmgr --immediate add account science > /dev/null
  sacctmgr --immediate add user root account=science > /dev/null
}

# SlurmdParameters: nodes may claim more processors than this machine has.
cat > /etc/slurm/slurm.conf <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
SlurmUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=30
KillWait=30
JobRequeue=0
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool/%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/%n.pid
SlurmctldLogFile=$work/log/slurmctld.log
SlurmdLogFile=$work/log/%n.log
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/$([ "$accounting" = yes ] && echo slurmdbd || echo none)
AccountingStoreFlags=job_comment
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=17101 CPUs=4 RealMemory=16000
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=17102 CPUs=4 RealMemory=16000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END

chown munge: /run/munge
pgrep munged > /dev/null || su munge -s /bin/sh -c munged
[ "$accounting" = no ] || start_database
slurmctld
slurmd -N n1
slurmd -N n2
sleep 3
sinfo

options=(--workflow-profile profiles/slurm --configfile "$study")
[ "$accounting" = yes ] || options+=(--slurm-no-account --slurm-status-command squeue)
snakemake "$@" "${options[@]}" &
call=$!
if [ "$kill_node" = yes ]; then
  until [ -n "$(processes_of_n2 pretrain.py)" ]; do sleep 1; done
  echo "Killing node n2 and its jobs: $(squeue --noheader --nodelist=n2 --format=%i | xargs)."
  pkill -KILL -f "slurmd -N n2"
  for job in $(squeue --noheader --nodelist=n2 --format=%i); do pkill -KILL -f "slurmstepd: \[$job\." || true; done
  processes_of_n2 | xargs --no-run-if-empty kill -KILL || true
  sleep 60
  slurmd -N n2
fi
wait $call
# Steps too, since only they have processor time and memory.
[ "$accounting" = no ] || sacct --units=M --format=JobID%12,NodeList%8,State,Start,Elapsed,TotalCPU,MaxRSS,Comment%60
