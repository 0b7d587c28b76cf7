#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Floods oxprofd with calls: flood.py METHOD[,METHOD...] CONNECTIONS [OPEN]. Each connection has up
to OPEN (16) calls without an answer, and makes another one for each that is answered. Prints a line
each second: how many were answered, how many of these with an error, and the last error."""
import collections
import os
import selectors
import socket
import struct
import sys
import time

BUS = "/run/dbus/system_bus_socket"


class Writer:
    """Marshals what this file needs of D-Bus."""

    def __init__(self):
        self.data = bytearray()

    def align(self, n):
        self.data += b"\0" * (-len(self.data) % n)

    def u32(self, value):
        self.align(4)
        self.data += struct.pack("<I", value)

    def string(self, text):
        self.u32(len(text))
        self.data += text.encode() + b"\0"

    def signature(self, text):
        self.data += struct.pack("B", len(text)) + text.encode() + b"\0"

    def array(self, alignment, write):
        self.align(4)
        at = len(self.data)
        self.data += b"\0\0\0\0"
        self.align(alignment)
        begin = len(self.data)
        write()
        struct.pack_into("<I", self.data, at, len(self.data) - begin)


def message(serial, destination, path, interface, member, signature="", body=b""):
    writer = Writer()
    writer.data += struct.pack("<BBBBII", ord("l"), 1, 0, 1, len(body), serial)

    def fields():
        for code, kind, value in ((1, "o", path), (2, "s", interface), (3, "s", member),
                                  (6, "s", destination), (8, "g", signature)):
            if not value:
                continue
            writer.align(8)
            writer.data += struct.pack("B", code)
            writer.signature(kind)
            writer.signature(value) if kind == "g" else writer.string(value)
    writer.array(8, fields)
    writer.align(8)
    return bytes(writer.data) + body


def text_options(options):
    """An a{sv} of strings."""
    writer = Writer()

    def entries():
        for key, value in options.items():
            writer.align(8)
            writer.string(key)
            writer.signature("s")
            writer.string(value)
    writer.array(8, entries)
    return bytes(writer.data)


def strings(texts):
    """An as, and an a{sv} of nothing behind it, which is for those who want one."""
    writer = Writer()
    writer.array(4, lambda: [writer.string(text) for text in texts])
    writer.array(8, lambda: None)
    return bytes(writer.data)


CALLS = {
    "GetStatus": ("", b""),
    "History": ("a{sv}", text_options({})),
    "Query": ("a{sv}", text_options({})),
    "Stacks": ("a{sv}", text_options({"by": "stack"})),
    "QueryByFileDescriptor": ("a{sv}", text_options({})),
    "Export": ("a{sv}", text_options({})),
    "Unpause": ("asa{sv}", strings(["pid:%d" % os.getpid()])),
    "Pause": ("asa{sv}", strings([])),
    "Cancel": ("", b""),
    "Resymbolize": ("", b""),
}
MEMBERS = {"Stacks": "QueryByFileDescriptor", "Pause": "PauseWithOptions"}


class Connection:
    def __init__(self, methods, n_open):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(BUS)
        self.socket.sendall(b"\0AUTH EXTERNAL %s\r\n" % str(os.getuid()).encode().hex().encode())
        self.socket.recv(1000)
        self.socket.sendall(b"NEGOTIATE_UNIX_FD\r\n")
        self.socket.recv(1000)
        self.socket.sendall(b"BEGIN\r\n" + message(1, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                                   "org.freedesktop.DBus", "Hello"))
        self.methods, self.serial, self.input = methods, 1, b""
        self.answered, self.failed, self.error = 0, 0, ""
        self.call(n_open)

    def call(self, n):
        data = b""
        for _ in range(n):
            self.serial += 1
            method = self.methods[self.serial % len(self.methods)]
            data += message(self.serial, "org.oxprof1", "/org/oxprof1", "org.oxprof1.Manager",
                            MEMBERS.get(method, method), *CALLS[method])
        self.socket.sendall(data)

    def read(self):
        data, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 16, 64)
        for descriptor in descriptors:
            os.close(descriptor)
        if not data:
            raise ConnectionError("thrown off the bus")
        self.input += data
        before = self.answered
        while len(self.input) >= 16:
            kind, = struct.unpack_from("B", self.input, 1)
            body, = struct.unpack_from("<I", self.input, 4)
            fields, = struct.unpack_from("<I", self.input, 12)
            size = 16 + fields + -fields % 8 + body
            if len(self.input) < size:
                break
            if kind == 3:
                self.failed += 1
                self.error = self.input[size - body + 4:size - 1].decode("utf-8", "replace")
            self.answered += kind in (2, 3)
            self.input = self.input[size:]
        self.call(self.answered - before)


def main():
    methods = sys.argv[1].split(",")
    n_open = int(sys.argv[3]) if len(sys.argv) > 3 else 16
    selector = selectors.DefaultSelector()
    connections = [Connection(methods, n_open) for _ in range(int(sys.argv[2]))]
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    told = time.monotonic()
    while selector.get_map():
        for key, _ in selector.select(0.5):
            try:
                key.data.read()
            except OSError as error:
                print("lost a connection:", error, flush=True)
                selector.unregister(key.fileobj)
        if time.monotonic() > told + 1:
            told = time.monotonic()
            print(sum(c.answered for c in connections), sum(c.failed for c in connections),
                  collections.Counter(c.error for c in connections).most_common(1), flush=True)


main()
