/* SPDX-License-Identifier: MIT */
"use strict";

/* Starts the flame graph of the page in one file, which has its data in it. */
new Flamegraph(document.getElementById("graph"),
	JSON.parse(document.getElementById("data").textContent), {page: true});
