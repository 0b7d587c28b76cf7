// SPDX-License-Identifier: MIT
//
// Elements and texts. Names from profiled processes are hostile: they become text nodes here, and
// nothing else anywhere.

export const find = (id) => document.getElementById(id);

// Makes an element, as in make("td", {class: "number"}, "12", other); leaves out null children.
export function make(name, attributes = {}, ...children) {
	const element = document.createElement(name);
	for (const [key, value] of Object.entries(attributes))
		if (value !== null && value !== undefined && value !== false)
			element.setAttribute(key, value === true ? "" : value);
	element.append(...children.filter((child) => child !== null && child !== undefined));
	return element;
}

export function button(text, attributes, onclick) {
	const element = make("button", { type: "button", ...attributes }, text);
	element.addEventListener("click", onclick);
	return element;
}

export const count = (n) => (n ?? 0).toLocaleString("en").replaceAll(",", "\u202f");

export const percent = (share) => (share === null || share === undefined ? "–"
	: `${(100 * share).toFixed(share < 0.0995 ? 2 : 1)} %`);

const scaled = (value, units, base) => {
	let i = 0;
	while (value >= base && i < units.length - 1) {
		value /= base;
		i++;
	}
	return `${value >= 100 || i === 0 ? Math.round(value) : value.toPrecision(3)} ${units[i]}`;
};

export const bytes = (n) => scaled(n ?? 0, ["B", "KiB", "MiB", "GiB", "TiB"], 1024);
export const nanoseconds = (n) => scaled(n ?? 0, ["ns", "µs", "ms", "s"], 1000);

export function span(usec) {
	const seconds = Math.max(0, Math.round(usec / 1e6));
	const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
	const first = parts.findIndex(([size]) => seconds >= size);
	if (first < 0)
		return usec > 0 ? `${Math.round(usec / 1000)} ms` : "0 s";
	let rest = seconds, text = [];
	for (const [size, unit] of parts.slice(first, first + 2)) {
		if (rest >= size)
			text.push(`${Math.floor(rest / size)} ${unit}`);
		rest %= size;
	}
	return text.join(" ");
}

const two = (n) => String(n).padStart(2, "0");
export const day = (usec) => {
	const t = new Date(usec / 1000);
	return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
};
export const clock = (usec, seconds = true) => {
	const t = new Date(usec / 1000);
	return `${two(t.getHours())}:${two(t.getMinutes())}${seconds ? `:${two(t.getSeconds())}` : ""}`;
};
export const moment = (usec) =>
	day(usec) === day(Date.now() * 1000) ? clock(usec) : `${day(usec)} ${clock(usec)}`;
