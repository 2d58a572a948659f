import { DecodeError } from '../../protocols/session/codec.ts'

const MAX_DEPTH = 24 // parameters of depth 16 within a call within a batch; more would only cost stack

/**
 * The JSON value of a body. Throws `DecodeError` for bytes that are not UTF-8, not one JSON value, or
 * nested deeper than any request; the depth is looked at first, without recursion.
 */
export function readJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    assertShallow(text)
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof DecodeError) throw cause
    throw new DecodeError('not JSON', { cause })
  }
}

function assertShallow(text: string): void {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (quoted) {
      if (char === '\\') at += 1
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '[' || char === '{') depth += 1
    else if (char === ']' || char === '}') depth -= 1
    if (depth > MAX_DEPTH) throw new DecodeError(`deeper than ${MAX_DEPTH}`)
  }
}
