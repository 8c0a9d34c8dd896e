/// <reference types="node" />
/** `tinysse/testing/server`: the server that client suites run against, for Node. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer, SeenRequest } from './client-case.js';

/** A server whose answers are scripts that clients of any runtime, browsers included, post to it. */
export interface ScriptedServer {
  /** Its origin. */
  readonly url: string;
  close(): void;
}

interface Run {
  answers: readonly Answer[];
  requests: SeenRequest[];
  open: number;
  endedAt: number;
}

const MOST_SCRIPT_BYTES = 2 ** 24;

/**
 * Starts a scripted server on free ports of 127.0.0.1: one for clients, and one that is another origin.
 *
 * @param page - what `GET /` answers, as HTML: a page of the server's own origin
 */
export async function createScriptedServer(page = ''): Promise<ScriptedServer> {
  const runs = new Map<string, Run>();
  let origins: string[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse, id: string): Promise<void> => {
    const run = runs.get(id);
    if (!run) return void response.writeHead(404).end();
    const { answers, requests } = run;
    const script = answers[requests.length] ?? {};
    requests.push(seen(request, performance.now() - run.endedAt));
    run.open++;
    response.on('close', () => run.open--);
    const { status = 200, headers, redirect, body, after } = script;
    const ended = (): void => {
      run.endedAt = performance.now();
    };
    if (after === 'drop' && body === undefined) {
      ended();
      return void request.socket.destroy();
    }
    if (redirect) response.setHeader('location', `${redirect === 'here' ? '' : origins[1]}/cases/${id}`);
    // Browsers do not read the end of its body, which would be the beginning of the next answer.
    if (status === 205) response.setHeader('content-length', 0);
    response.writeHead(status, headers ?? { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    for (const piece of pieces(script)) {
      response.write(piece);
      // Chunks that leave at once would arrive as one.
      await wait(2);
    }
    ended();
    if (after === 'drop') request.socket.destroy();
    else if (after === 'end' || status !== 200) response.end();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '/' } = request;
    const [, room, id = ''] = url.split(/[/?]/);
    response.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', '*');
    if (method === 'OPTIONS') response.writeHead(204).end();
    else if (room === '') response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
    else if (room === 'cases' && method === 'POST') {
      const answers = JSON.parse(await text(request));
      const made = String(runs.size);
      runs.set(made, { answers, requests: [], open: 0, endedAt: Number.NaN });
      json(response, { id: made, abroad: origins[1] });
    } else if (room === 'cases') await answer(request, response, id);
    else if (room === 'reports' && runs.has(id)) {
      const { requests, open } = runs.get(id)!;
      json(response, { requests, open });
    } else response.writeHead(404).end();
  };

  const servers = [0, 1].map(() =>
    // A connection that is closed for idleness while a request is on its way would fail a case.
    createServer(
      { keepAliveTimeout: 300_000 },
      (request, response) => void handle(request, response).catch(() => request.socket.destroy()),
    ),
  );
  origins = await Promise.all(servers.map(listening));
  return {
    url: origins[0]!,
    close() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

function seen({ method, rawHeaders }: IncomingMessage, waitedMs: number): SeenRequest {
  const headers: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2)
    headers[rawHeaders[i]!.toLowerCase()] = Buffer.from(rawHeaders[i + 1]!, 'latin1').toString();
  return { method: method!, headers, waitedMs };
}

/** The chunks of an answer. */
function* pieces({ body = '', cut = Number.POSITIVE_INFINITY }: Answer): Generator<Uint8Array> {
  for (const piece of typeof body === 'string' ? [body] : body) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : Uint8Array.from(piece);
    for (let at = 0; at < bytes.length; at += cut) yield bytes.subarray(at, at + cut);
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('cache-control', 'no-store').setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

async function text(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    parts.push(part);
    if ((bytes += part.length) > MOST_SCRIPT_BYTES) throw new Error('the script is too long');
  }
  return Buffer.concat(parts).toString();
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
