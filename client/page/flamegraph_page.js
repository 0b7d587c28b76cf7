/* SPDX-License-Identifier: MIT */
"use strict";

/* The page that is one file: its data stand in it. */
new Flamegraph(document.getElementById("graph"),
	JSON.parse(document.getElementById("data").textContent), {page: true});
