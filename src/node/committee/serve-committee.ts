import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { ChannelError, FrameChannel } from '../channels/frame-channel.ts'
import type { PeerName } from '../channels/links.ts'
import type { PeerLimits } from '../limits.ts'
import type { Log } from '../log.ts'
import {
  COMMITTEE_FRAMES,
  COMMITTEE_PROTOCOL,
  type CommitteeRequest,
  decodeRequest,
  encodeHistory,
  encodeJoined,
  encodeNewest,
  fittingCerts,
  MAX_ANSWER_BYTES,
  MAX_LETTER_BYTES,
  RECEIPT,
} from './exchange.ts'

const STREAMS = 4 // per connection and direction
const EXCHANGE_MS = 10_000
/** Longer than senders keep a stream without letters, so that they end it. */
const LETTERS_IDLE_MS = 20_000

/** What this host has to give, and who takes what comes. */
export interface CommitteeSource {
  /** Whoever asks checks its hash. */
  readonly genesis: Uint8Array
  /** Bytes of the newest `published`; null before there is one. */
  newest(): Uint8Array | null
  /** Bytes of the certificate of an epoch; null where it is not known. */
  cert(e: number, signal: AbortSignal): Promise<Uint8Array | null>
  /** A signed join for the operators; false: not taken. */
  takeJoin(join: Uint8Array): boolean
  /** Resolves when the letter is on its way to the guest: until then no more is read of this peer. */
  takeLetter(letter: Uint8Array): Promise<void>
  /** Letters of this guest seem to come from this peer; nothing proves it. */
  hint(guestSig: Uint8Array, peer: PeerName): void
}

/**
 * Answers what others ask about the committee, and takes their letters (07 §7): members as much as they send, strangers
 * little. It never throws: it answers, or resets with a code.
 */
export async function serveCommittee(
  node: Libp2p,
  source: CommitteeSource,
  limits: PeerLimits,
  log: Log,
): Promise<void> {
  const accept = async (stream: Stream, connection: Connection): Promise<void> => {
    const from = connection.remotePeer.toString()
    const channel = new FrameChannel(stream, COMMITTEE_FRAMES)
    try {
      if (!limits.mayOpenStream(from) || !limits.mayAskCommittee(from))
        throw new ChannelError('LIMIT_EXCEEDED')
      const signal = AbortSignal.timeout(EXCHANGE_MS)
      const request = decodeRequest(await channel.read(signal))
      if (request.ask === 'letters') {
        source.hint(request.from, from)
        await takeLetters(channel, from, source, limits)
      } else {
        await channel.write(await answer(request, source, signal))
      }
      const closing = AbortSignal.timeout(EXCHANGE_MS)
      await channel.close(closing)
      await channel.ended(closing)
    } catch (error) {
      const isBroken =
        error instanceof DecodeError ||
        (error instanceof ChannelError && error.code === 'FRAME_SIZE')
      if (isBroken) limits.protocolError(from)
      log.debug('committee-ended', { reason: error instanceof Error ? error.message : 'unknown' })
      channel.abort('FAILED')
    }
  }
  await node.handle(COMMITTEE_PROTOCOL, (stream, connection) => void accept(stream, connection), {
    maxInboundStreams: STREAMS,
    maxOutboundStreams: STREAMS,
    runOnLimitedConnection: false,
  })
}

async function answer(
  request: Exclude<CommitteeRequest, { ask: 'letters' }>,
  source: CommitteeSource,
  signal: AbortSignal,
): Promise<Uint8Array> {
  switch (request.ask) {
    case 'genesis':
      return source.genesis
    case 'newest':
      return encodeNewest(source.newest())
    case 'history':
      return encodeHistory(request.e, await certsFrom(request.e, source, signal))
    case 'join':
      return encodeJoined(source.takeJoin(request.join))
  }
}

/** Consecutive certificates, as many as one answer holds. */
async function certsFrom(
  e: number,
  source: CommitteeSource,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const certs: Uint8Array[] = []
  let bytes = 0
  while (bytes < MAX_ANSWER_BYTES) {
    const cert = await source.cert(e + certs.length, signal)
    if (cert === null) break
    certs.push(cert)
    bytes += cert.length
  }
  return certs.slice(0, fittingCerts(certs))
}

/** Until the sender ends the stream, or has sent nothing for a while. */
async function takeLetters(
  channel: FrameChannel,
  from: PeerName,
  source: CommitteeSource,
  limits: PeerLimits,
): Promise<void> {
  for (;;) {
    const idle = AbortSignal.timeout(LETTERS_IDLE_MS)
    let letter: Uint8Array
    try {
      letter = await channel.read(idle)
    } catch (error) {
      if (idle.aborted || (error instanceof ChannelError && error.code === 'CLOSED')) return
      throw error
    }
    if (letter.length > MAX_LETTER_BYTES) throw new DecodeError('more than a letter')
    if (!limits.mayAskCommittee(from)) throw new ChannelError('LIMIT_EXCEEDED')
    await source.takeLetter(letter)
    await channel.write(RECEIPT)
  }
}
