// SPDX-License-Identifier: MIT
//
// Requests to the server of this page. The address that oxprofctl web prints has a one-time token
// after its '#', which is exchanged for two secrets: a cookie that no script can read, and a token
// that is sent in a header with each request, and that only this tab keeps.

const KEY = "oxprof-token";
const INVITATION = /^#token=([0-9a-f]{32})$/;

export class Refusal extends Error {
	constructor(status, text) {
		super(text);
		this.status = status;
	}
}

async function ask(path, options) {
	const token = sessionStorage.getItem(KEY);
	let response;
	try {
		response = await fetch(path, {
			...options,
			cache: "no-store",
			headers: { ...options.headers, ...(token ? { "X-Oxprof-Token": token } : {}) },
		});
	} catch (error) {
		if (error.name === "AbortError")
			throw error;
		throw new Refusal(0, "oxprofctl web has ended: start it again and open the address that it prints");
	}
	if (!response.ok) {
		const answer = await response.json().catch(() => ({}));
		throw new Refusal(response.status, answer.error ?? `the server answered ${response.status}`);
	}
	return response;
}

// Makes the query part of an address from {name: value or array}, without empty values.
function query(parameters) {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(parameters ?? {}))
		for (const one of Array.isArray(value) ? value : [value])
			if (one !== "" && one !== null && one !== undefined && one !== false)
				search.append(name, one);
	const text = search.toString();
	return text && `?${text}`;
}

export const get = async (path, parameters, signal) =>
	(await ask(`/api/${path}${query(parameters)}`, { signal })).json();

export const getFile = async (path, parameters) =>
	(await ask(`/api/${path}${query(parameters)}`, {})).blob();

const send = async (path, body) => (await ask(path, {
	method: "POST",
	headers: { "Content-Type": "application/json" },
	body: JSON.stringify(body),
})).json();

export const post = (path, body) => send(`/api/${path}`, body);

// Exchanges the token in the address, if there is one, after taking it out of the address bar and the
// history of the browser. Returns whether this tab has a token for requests.
export async function logIn() {
	const invitation = INVITATION.exec(location.hash);
	if (location.hash.startsWith("#token="))
		history.replaceState(null, "", location.pathname);
	if (invitation) {
		const answer = await send("/login", { token: invitation[1] });
		sessionStorage.setItem(KEY, answer.token);
	}
	return sessionStorage.getItem(KEY) !== null;
}
