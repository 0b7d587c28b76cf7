/* SPDX-License-Identifier: MIT */
/*
 * Every public name and limit of oxprof, once. Names are promises (they are on the bus, in scripts
 * and in policies): add, never rename.
 *
 * Interface org.oxprof1.Manager on /org/oxprof1:
 *
 *   Unpause(as targets, a{sv} options)
 *       options: mode s ("cpu"), interval d (seconds), for t (usec), children b
 *   Pause(as targets)            none: all that the caller has
 *   Cancel()
 *   SetInterval(d seconds)
 *   PauseWithOptions(as targets, a{sv} options), CancelWithOptions(a{sv} options),
 *   SetIntervalWithOptions(d seconds, a{sv} options)
 *       options: all_users b (everybody's sessions), session x (that one alone); the methods
 *               without options are about the caller's own sessions
 *   Query(a{sv} filter) -> (a{sv} summary, aa{sv} records)
 *       filter: filter s (regular expression), max u (0: all), since t, until t (usec, UTC),
 *               session x (that one alone; 0: all), targets as, sort s (self total name),
 *               by s (function module file line stack process thread unit user),
 *               kind s (python native: frames of other kinds are taken out of each stack);
 *               without since, until and session it is about the caller's own session that runs,
 *               else about the last own one, else about all
 *       summary, record: daemon/base/result_fields.h
 *   QueryByFileDescriptor(a{sv} filter) -> h     the same answer as one JSON object
 *   Export(a{sv} filter) -> h     stacks as they are, for reports: a pipe with the stream that
 *               daemon/base/export.proto describes, written while it is read
 *       filter: filter s (stacks in which a name matches), since t, until t, session x, targets as,
 *               kind s, as in Query; focus s (regular expression: frames that match are marked),
 *               dimensions as (of "stack" "task" "time": what hits are told apart by; default
 *               "stack"), step t (usec: hits are told apart by slots of time so long, a multiple
 *               of the window; default one window)
 *   History(a{sv} filter) -> aa{sv}              filter: since t, until t, max u (0: all),
 *            all_users b, session x; by default the caller's own sessions
 *       row: id t, started t, ended t (absent while running), mode s, interval_ns t,
 *            targets as, samples t, owner u, lost a{st}
 *   GetStatus() -> (a{sv} status, aa{sv} targets)
 *   GetStatusWithOptions(a{sv} options) -> the same; options as of PauseWithOptions
 *       state, interval, samples, stacks and losses are those of the newest of these sessions that
 *       runs, else of the last one
 *       status: state s, mode s, interval_ns t, achieved_mean_ns d, achieved_sd_ns d, samples t,
 *               stacks a{st}, lost a{st}, sample_cost_ns d, unwind_bytes t,
 *               unwind_budget_bytes t, unwind_tables u, unwind_waiting u, unwind_refused u,
 *               unwind_evicted u, interpreters aa{sv}, interpreters_total u, daemon_cpu_usec t,
 *               database_bytes t, database_path s, version s, session t (absent while paused),
 *               running_usec t, notice s (absent when all is well), kernel s (unloaded loading
 *               opening loaded failed: what is in the kernel), loading_usec t (for so long it has
 *               been loading or opening; absent otherwise), database_max_bytes t (absent: no
 *               limit), history_since t (the oldest window that was not deleted; absent where there
 *               is none), sessions aa{sv}, other_sessions u
 *               (of others, that run; absent for callers who may not see them)
 *       session: session t (absent while paused), owner u, state s, interval_ns t,
 *               achieved_mean_ns d, achieved_sd_ns d, samples t, stacks a{st}, lost a{st},
 *               running_usec t
 *       interpreter, of Python, in a process that was sampled and that the caller may see; the
 * first OX_INTERPRETERS_IN_STATUS of interpreters_total: pid u, comm s, name s
 *               ("CPython 3.11.2"), file s, state s (read, or why its frames are not:
 *               unknown-version other-layout free-threaded pypy stripped), note s (the same for
 *               people; absent where they are read)
 *       target: target s, state s (running paused waiting exited), children b, owner u,
 *               until t (absent: no end), session t (absent while paused), samples t,
 *               stacks a{st} (since it became a target; a process that several targets of a
 *               session choose counts for the one that chose it first)
 *   Resymbolize() -> (t named, t unnamed, aa{sv} files)     answered when it is done
 *       file: file s, build_id s, named t, unnamed t, reason s (no-file no-symbol too-slow
 *             unreadable; absent where all have a name now)
 *   Properties: State s, Mode s, Interval d, Targets as, Samples t, Lost a{st}, Version s,
 *               DatabasePath s; of the reader's own sessions. PropertiesChanged is sent to the
 *               connections of the user whose sessions changed, once they have called the object
 */
#pragma once

#include <stdint.h>

#define OX_VERSION        "0.6.0"
#define OX_BUS_NAME       "org.oxprof1"
#define OX_BUS_PATH       "/org/oxprof1"
#define OX_BUS_INTERFACE  "org.oxprof1.Manager"
#define OX_DATABASE_PATH  "/var/lib/oxprof/oxprof.db"
#define OX_CONFIG_FILE    "/etc/oxprof/oxprofd.conf"
#define OX_CONFIG_DROPINS "/etc/oxprof/oxprofd.conf.d"
#define OX_OPENER_PATH    "/run/oxprof/opener" /* oxprof-opener.socket */
#define OX_DEPUTY_PATH    "/run/oxprof/deputy" /* oxprof-deputy.socket */
/* The socket by which root reaches the objects without dbus-daemon; it is there while the daemon
 * runs. */
#define OX_DIRECT_PATH "/run/oxprofd/direct"

/* Errors on the bus. */
#define OX_ERROR(name)            "org.oxprof1.Error." name
#define OX_ERROR_INVALID_ARGUMENT OX_ERROR("InvalidArgument")
#define OX_ERROR_NO_SUCH_PROCESS  OX_ERROR("NoSuchProcess")
#define OX_ERROR_NO_SUCH_UNIT     OX_ERROR("NoSuchUnit")
#define OX_ERROR_NO_SUCH_USER     OX_ERROR("NoSuchUser")
#define OX_ERROR_NO_SUCH_CGROUP   OX_ERROR("NoSuchCgroup")
#define OX_ERROR_NO_TARGET        OX_ERROR("NoTarget")
#define OX_ERROR_INVALID_PATTERN  OX_ERROR("InvalidPattern")
#define OX_ERROR_LIMIT_REACHED    OX_ERROR("LimitReached")
#define OX_ERROR_NOT_PERMITTED    OX_ERROR("NotPermitted")
#define OX_ERROR_KERNEL           OX_ERROR("Kernel")
#define OX_ERROR_DATABASE         OX_ERROR("Database")
#define OX_ERROR_SYSTEMD          OX_ERROR("Systemd") /* PID 1 does not answer, or cannot be asked */

/* polkit actions. */
#define OX_ACTION_PROFILE_OTHERS "org.oxprof1.profile-others"
#define OX_ACTION_PROFILE_KERNEL "org.oxprof1.profile-kernel"
#define OX_ACTION_QUERY_OTHERS   "org.oxprof1.query-others"
#define OX_ACTION_CONFIGURE      "org.oxprof1.configure"

/* The interval between two samples of a CPU. */
#define OX_INTERVAL_MIN_NS     UINT64_C(100000)      /* 0.0001 s */
#define OX_INTERVAL_MAX_NS     UINT64_C(10000000000) /* 10 s */
#define OX_INTERVAL_DEFAULT_NS UINT64_C(10101010)    /* 99 Hz: not in step with what others time */

/* The shortest interval that anybody may choose for sessions of their own; a shorter one costs the
 * machine much. */
#define OX_INTERVAL_FREE_NS UINT64_C(1000000)

/* The limits of the kernel memory that the unwinding tables of all programs take together; beyond
 * the set limit the tables make room for one another. */
#define OX_UNWIND_MIN_BYTES     (UINT64_C(1) << 20)
#define OX_UNWIND_MAX_BYTES     (UINT64_C(256) << 20)
#define OX_UNWIND_DEFAULT_BYTES (UINT64_C(64) << 20)

#define OX_WINDOW_USEC        UINT64_C(10000000) /* a row of the history */
#define OX_DRAIN_USEC         UINT64_C(1000000)
#define OX_WAITING_MAX        64 /* calls of Unpause that wait for the same: systemd, the kernel */
#define OX_WAITING_FOR_ROOT   8  /* of these, so that others cannot keep root out */
#define OX_WAITING_PER_USER   16
#define OX_SESSIONS_PER_USER  16   /* that run at once, of OX_SESSIONS_MAX (bpf/sample.h) */
#define OX_SLOTS_FOR_ROOT     8    /* of these, so that others cannot keep root out */
#define OX_OWNERS_MAX         1024 /* users that have set an interval of their own */
#define OX_CHANGES_AT_ONCE    20 /* Unpause, Pause, Cancel, SetInterval of a user who is not root */
#define OX_CHANGE_USEC        UINT64_C(1000000) /* then one in so long */
#define OX_LISTENERS_MAX      256               /* connections that are told of changes */
#define OX_LISTENERS_PER_USER 16
#define OX_TARGETS_MAX        1024
#define OX_TARGETS_PER_USER   64
#define OX_TARGET_BYTES_MAX   4096
#define OX_PATTERN_BYTES_MAX  4096
#define OX_RECORDS_IN_MESSAGE 10000 /* more: QueryByFileDescriptor */
#define OX_RECORDS_DEFAULT    10

/* Minor versions of CPython 3 whose frames are read. */
#define OX_PYTHON_MINOR_FIRST     6
#define OX_PYTHON_MINOR_LAST      14
#define OX_INTERPRETERS_IN_STATUS 1000

#define OX_QUERIES_MAX      32 /* that are answered or wait, at once */
#define OX_QUERIES_FOR_ROOT 8  /* of these, so that others cannot keep root out */
#define OX_QUERIES_PER_USER 8
/* An answer to anybody but root is given up when it takes longer. */
#define OX_QUERY_USEC_MAX UINT64_C(60000000)

#define OX_EXPORT_PART_BYTES (4u << 20) /* of the stream, at most */
#define OX_EXPORTS_MAX       8          /* at once */
#define OX_EXPORTS_FOR_ROOT  2          /* of these, so that others cannot keep root out */
#define OX_EXPORTS_PER_USER  2
/* An export is given up when its reader takes nothing for OX_EXPORT_IDLE_USEC, or makes it wait
 * after OX_EXPORT_USEC_MAX in all. */
#define OX_EXPORT_IDLE_USEC UINT64_C(60000000)
#define OX_EXPORT_USEC_MAX  UINT64_C(600000000)
/* The database's log grows while an export is written. When it is so large, no further export
 * begins until all are done and the log was emptied. */
#define OX_EXPORT_LOG_BYTES (UINT64_C(64) << 20)
