#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Talks to oxprof-opener as anybody might, and prints what comes of it, a line for each word:

  opener.py WORD...

  V:K:C       a request of version V for kind K on CPU C, and its reply
  raw:HEX     these bytes in place of a request
  fd:V:K:C    a request with a descriptor beside it
  unread:V:K:C  a request whose reply is not waited for
  close       half the connection: nothing more is sent
  wait        until the other side goes
  hold        keeps the connection until a line comes on standard input

A reply is "event" (with an event of the kernel), "error N" or "nothing", where the other side has
gone. Without a connection it prints "no connection: WHY".
"""
import array
import os
import socket
import struct
import sys

PATH = "/run/oxprof/opener"


def request(text):
    return struct.pack("=III", *map(int, text.split(":")))


def reply(connection):
    try:
        data, control, _, _ = connection.recvmsg(64, 64)
    except ConnectionError:
        return "nothing"
    if not data:
        return "nothing"
    (error,) = struct.unpack("=i", data)
    fds = array.array("i")
    for _, _, content in control:
        fds.frombytes(content)
    names = [os.readlink(f"/proc/self/fd/{fd}") for fd in fds]
    if error == 0 and names == ["anon_inode:[perf_event]"]:
        return "event"
    return f"error {error}" if error and not names else f"odd: {error} {names}"


def send(connection, data, control=()):
    try:
        connection.sendmsg([data], control)
    except ConnectionError:
        pass


def do(connection, word):
    name, _, rest = word.partition(":")
    if word == "close":
        connection.shutdown(socket.SHUT_WR)
    elif word == "hold":
        print("holds", flush=True)
        sys.stdin.readline()
    elif name == "unread":
        send(connection, request(rest))
    else:
        if name == "raw":
            send(connection, bytes.fromhex(rest))
        elif name == "fd":
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))
            send(connection, request(rest), [rights])
        elif word != "wait":
            send(connection, request(word))
        print(reply(connection), flush=True)


def main():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(PATH)
    except OSError as error:
        print(f"no connection: {error.strerror}")
        return
    for word in sys.argv[1:]:
        do(connection, word)


main()
