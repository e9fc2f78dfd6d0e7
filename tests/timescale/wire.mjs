// Messages of PostgreSQL's wire protocol, as far as a server that shares one backend must know them.

const SSL_REQUEST = 80877103
const GSS_REQUEST = 80877104
const CANCEL_REQUEST = 80877102

/** Splits what a client sends into its messages. The first is the start-up message, which carries no type. */
export class Incoming {
  #bytes = Buffer.alloc(0)
  #hasStarted = false

  /** The messages that are complete with `chunk`: `{type, bytes}`; `type` is a letter, or `start`, `encrypt`, `cancel`. */
  add(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    const complete = []
    for (;;) {
      const lengthAt = this.#hasStarted ? 1 : 0
      if (this.#bytes.length < lengthAt + 4) return complete
      const size = lengthAt + this.#bytes.readInt32BE(lengthAt)
      if (this.#bytes.length < size) return complete
      const bytes = this.#bytes.subarray(0, size)
      this.#bytes = this.#bytes.subarray(size)
      const type = this.#hasStarted ? String.fromCharCode(bytes[0]) : opening(bytes)
      if (type === 'start') this.#hasStarted = true
      complete.push({ type, bytes })
    }
  }
}

function opening(bytes) {
  const code = bytes.readInt32BE(4)
  if (code === SSL_REQUEST || code === GSS_REQUEST) return 'encrypt'
  return code === CANCEL_REQUEST ? 'cancel' : 'start'
}

function message(type, ...parts) {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const text = (...words) => Buffer.from(words.map((word) => `${word}\0`).join(''))

/** The answer to a start-up message: let in without a password, with the server's settings. */
export function welcome(settings) {
  const parameters = Object.entries(settings).map(([name, value]) => message('S', text(name, value)))
  const key = message('K', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]))
  return Buffer.concat([message('R', Buffer.alloc(4)), ...parameters, key, message('Z', Buffer.from('I'))])
}

/** The end of a connection, with the reason. */
export function fatal(sqlstate, reason) {
  return message('E', text('SFATAL', 'VFATAL', `C${sqlstate}`, `M${reason}`), Buffer.alloc(1))
}

/** Whether a simple query is a COPY whose rows the client sends next. */
export function takesRows({ type, bytes }) {
  return type === 'Q' && /^\s*copy\b[^;]*\bfrom\s+stdin\b/i.test(bytes.toString('utf8', 5))
}

/** The answer to it, "send your rows": drivers look whether rows are binary, and not at the number of columns. */
export function sendRows({ bytes }) {
  const isBinary = /\bbinary\b/i.test(bytes.toString('utf8', 5))
  return message('G', Buffer.from([isBinary ? 1 : 0, 0, 0]))
}

/** `answer` without its "send your rows", and the transaction status that it ends with (undefined before the end). */
export function read(answer) {
  const kept = []
  let status
  for (let at = 0; at + 5 <= answer.length; ) {
    const size = 1 + answer.readInt32BE(at + 1)
    const type = String.fromCharCode(answer[at])
    if (type === 'Z') status = String.fromCharCode(answer[at + 5])
    if (type !== 'G') kept.push(answer.subarray(at, at + size))
    at += size
  }
  return { kept: Buffer.concat(kept), status }
}
