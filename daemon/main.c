/* SPDX-License-Identifier: MIT */
/* oxprofd: arguments, settings, the event loop, and messages to systemd. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/config.h"
#include "daemon/base/priority.h"
#include "daemon/bus/connection.h"
#include "daemon/bus/direct.h"
#include "daemon/bus/manager_bus.h"
#include "daemon/manager/log.h"
#include "daemon/manager/manager.h"
#include "daemon/manager/saved.h"

#define CONFIG_BYTES_MAX (1 << 20)

struct daemon {
	sd_event *event;
	struct manager *manager;
	struct manager_bus *manager_bus;
	struct connection *connection;
	struct direct *direct;
	struct priority_budget budget;
	const char *config_file;
	const char *config_dropins;
};

static int print_help(void)
{
	printf("oxprofd [OPTIONS]\n\n"
	       "Samples chosen processes and keeps what it saw. Started by systemd:\n"
	       "systemctl start oxprofd; controlled with oxprofctl(1).\n\n"
	       "  -c --config=FILE   Settings to read instead of " OX_CONFIG_FILE "\n"
	       "                     and its drop-ins\n"
	       "  -h --help          Show this help\n"
	       "     --version       Show the version\n\n"
	       "See oxprofd(8).\n");
	return 0;
}

/* Reads the arguments. Returns 1 to go on, 0 where all is done, or -EINVAL for wrong usage. */
static int parse_arguments(struct daemon *daemon, int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) >= 0)
		switch (c) {
		case 'c':
			daemon->config_file = optarg;
			daemon->config_dropins = NULL;
			break;
		case 'h':
			return print_help();
		case 'v':
			printf("oxprofd " OX_VERSION "\n");
			return 0;
		default:
			return -EINVAL;
		}
	if (optind < argc) {
		fprintf(stderr, "oxprofd: %s: takes no arguments, see oxprofd --help\n",
			argv[optind]);
		return -EINVAL;
	}
	return 1;
}

/* ---- settings ---- */

static void warn(void *userdata, const char *file, unsigned line, const char *why)
{
	log_warning("%s:%u: %s", file, line, why);
}

static int read_config_file(struct config *config, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *text = malloc(CONFIG_BYTES_MAX);
	size_t length;

	if (!text)
		return -ENOMEM;
	if (!f)
		return -errno;
	length = fread(text, 1, CONFIG_BYTES_MAX, f);
	if (ferror(f))
		return -EIO;
	return config_parse(config, path, text, length, warn, NULL);
}

static int is_dropin(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && entry->d_name[0] != '.' &&
	       !strcmp(entry->d_name + length - 5, ".conf");
}

static void read_dropins(struct config *config, const char *directory)
{
	struct dirent **entries = NULL;
	int n = directory ? scandir(directory, &entries, is_dropin, alphasort) : 0;

	for (int i = 0; i < n; i++) {
		char path[4096];
		int r;

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		r = read_config_file(config, path);
		if (r < 0)
			log_warning("cannot read %s: %s", path, strerror(-r));
		free(entries[i]);
	}
	free(entries);
}

/* Reads the settings. A file that --config names must be there, the default one need not. */
static int read_config(const struct daemon *daemon, struct config *config)
{
	int r;

	config_init(config);
	r = read_config_file(config, daemon->config_file);
	if (r < 0 && (r != -ENOENT || !daemon->config_dropins)) {
		log_error("cannot read the settings %s: %s", daemon->config_file, strerror(-r));
		return r;
	}
	read_dropins(config, daemon->config_dropins);
	return 0;
}

/* ---- signals and the bus ---- */

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *daemon = userdata;
	struct config config;

	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
			 (unsigned long long)(clock_monotonic_ns() / 1000));
	if (read_config(daemon, &config) >= 0)
		manager_configure(daemon->manager, &config);
	(void)sd_notify(0, "READY=1");
	return 0;
}

static int listen_to_signals(struct daemon *daemon)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	/* Without a handler the loop ends, and main() pauses and writes the samples. */
	r = sd_event_add_signal(daemon->event, NULL, SIGTERM, NULL, NULL);
	if (r < 0)
		return r;
	r = sd_event_add_signal(daemon->event, NULL, SIGINT, NULL, NULL);
	return r < 0 ? r : sd_event_add_signal(daemon->event, NULL, SIGHUP, on_reload, daemon);
}

static int open_bus(struct daemon *daemon)
{
	int r = manager_bus_new(NULL, daemon->manager, &daemon->manager_bus);

	return r < 0 ? r : connection_new(daemon->event, daemon->manager_bus, &daemon->connection);
}

/* Listens for root's direct connections. They are only faster: without them root uses the bus. */
static void listen_directly(struct daemon *daemon)
{
	int r = direct_new(daemon->event, OX_DIRECT_PATH, manager_bus_add, daemon->manager_bus,
			   &daemon->direct);

	if (r < 0)
		log_warning("cannot listen at " OX_DIRECT_PATH
			    ": %s; root's requests go through dbus-daemon",
			    strerror(-r));
}

static int on_round(sd_event_source *source, void *userdata)
{
	struct daemon *daemon = userdata;

	priority_keep(&daemon->budget);
	return 0;
}

/* Makes the daemon go before other programs: a profile is asked for when the machine is too busy to
 * answer. */
static int go_first(struct daemon *daemon)
{
	int r = priority_init();

	if (r < 0)
		log_warning(
			"cannot get real-time priority: %s; on an overloaded machine answers will "
			"be late (LimitRTPRIO=1 in the unit allows it)",
			strerror(-r));
	return sd_event_add_post(daemon->event, NULL, on_round, daemon);
}

static int start_loop(struct daemon *daemon)
{
	int r = sd_event_default(&daemon->event);

	if (r < 0)
		return r;
	r = listen_to_signals(daemon);
	if (r < 0)
		return r;
	r = go_first(daemon);
	return r < 0 ? r : sd_event_set_watchdog(daemon->event, true);
}

static int start(struct daemon *daemon)
{
	struct config config;
	struct failure failure;
	int r = read_config(daemon, &config);

	if (r < 0)
		return r;
	r = start_loop(daemon);
	if (r < 0)
		return r;
	r = manager_new(daemon->event, &config, &daemon->manager, &failure);
	if (r < 0) {
		log_error("%s", failure.text);
		return r;
	}
	r = open_bus(daemon);
	if (r < 0)
		return r;
	listen_directly(daemon);
	manager_load_ahead(daemon->manager);
	saved_set_directory(daemon->manager, getenv("STATE_DIRECTORY"));
	saved_resume(daemon->manager);
	(void)sd_notify(0, "READY=1\nSTATUS=Paused.");
	return r;
}

static void stop(struct daemon *daemon)
{
	(void)sd_notify(0, "STOPPING=1");
	direct_free(daemon->direct);
	manager_bus_free(daemon->manager_bus);
	manager_free(daemon->manager);
	connection_free(daemon->connection);
	sd_event_unref(daemon->event);
}

int main(int argc, char **argv)
{
	struct daemon daemon = {
		.config_file = OX_CONFIG_FILE,
		.config_dropins = OX_CONFIG_DROPINS,
	};
	int r = parse_arguments(&daemon, argc, argv);

	if (r <= 0)
		return r < 0 ? 2 : 0;
	r = start(&daemon);
	if (r >= 0)
		r = sd_event_loop(daemon.event);
	stop(&daemon);
	return r < 0 ? 1 : 0;
}
