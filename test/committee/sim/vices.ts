import { Start } from '../../../protocols/agreement/objects/start.ts'
import { epochInstanceId } from '../../../protocols/agreement/objects/vote.ts'
import { decodeMessage, encodeMessage } from '../../../protocols/agreement/qbft/message.ts'
import { ABORT, type Value, type Vote, voteBody } from '../../../protocols/agreement/qbft/vote.ts'
import type { Letter } from './network.ts'
import type { Node } from './node.ts'
import type { World } from './world.ts'

/** What leaves a member with vices in place of one letter. */
export function misbehave(world: World, from: Node, letter: Letter): Letter[] {
  if (from.vices.size === 0) return [letter]
  const chance = world.chances.vices
  if (from.vices.has('silent')) return []
  if (from.vices.has('replays')) return replay(world, from, letter)
  if (from.vices.has('equivocates') && letter.message.type === 'vote' && chance.happens(0.5))
    return [otherVote(world, from, letter)]
  if (from.vices.has('two-starts') && letter.message.type === 'start' && chance.happens(0.5))
    return [otherStart(world, from, letter)]
  return [letter]
}

const said = new WeakMap<Node, Letter[]>()

/** Old letters again, to whomever. */
function replay(world: World, from: Node, letter: Letter): Letter[] {
  const before = said.get(from) ?? []
  said.set(from, before)
  if (before.length < 200) before.push(letter)
  return world.chances.vices.happens(0.3)
    ? [letter, { ...world.chances.vices.pick(before), to: letter.to }]
    : [letter]
}

/** The same vote for another value, signed as well. */
function otherVote(world: World, from: Node, letter: Letter): Letter {
  if (letter.message.type !== 'vote') return letter
  const { e, k, bytes } = letter.message
  const message = decodeMessage(bytes)
  const base = world.observer.epochs.get(e - 1)
  if (message.type !== 'vote' || base === undefined) return letter
  const values = [ABORT, ...world.proposedRecords(e, k)] as const
  const value = world.chances.vices.pick(values)
  const vote: Vote =
    message.vote.kind === 'round-change'
      ? { ...message.vote, value: ABORT as Value, preparedRound: 0 }
      : { ...message.vote, value }
  const iid = epochInstanceId(world.committeeId, e, k, base.hash)
  const signature = world.notary.signBytes(from.guestSig, 'qb', voteBody(iid, vote))
  const prepares = message.vote.kind === 'round-change' ? [] : message.prepares
  return {
    ...letter,
    message: {
      type: 'vote',
      e,
      k,
      bytes: encodeMessage({ ...message, vote, signature, prepares }),
    },
  }
}

/** A second START of one attempt. */
function otherStart(world: World, from: Node, letter: Letter): Letter {
  if (letter.message.type !== 'start') return letter
  const { object } = letter.message.start
  const own = world.observer.epochs
    .get(object.e - 1)
    ?.record.members.find(({ index }) => index === object.initiator)
  if (own === undefined || !world.isKeyOf(from, own.guestSig)) return letter
  const start = world.notary.sign(from.guestSig, Start, {
    ...object,
    nonce: new Uint8Array(32).fill(9),
  })
  return { ...letter, message: { ...letter.message, start } }
}
