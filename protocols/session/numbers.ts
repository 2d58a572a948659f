/**
 * The numbers that envelopes carry for rounds and message types (spec "Envelopes", 04 §11). Append only:
 * a number is never given a second meaning.
 */
export const ROUND_NUMBERS: Readonly<Record<string, number>> = {
  'session/open': 0,
  'pair-setup/1-commit': 0x0101,
  'pair-setup/2-transfer': 0x0102,
  'pair-setup/3-open': 0x0103,
  'pair-setup/4-confirm': 0x0104,
  'correlations/1-propose': 0x0301,
  'correlations/2-choose': 0x0302,
  'correlations/3-multiply': 0x0303,
  'correlations/4-answer': 0x0304,
  'correlations/5-confirm': 0x0305,
  'keygen/1-commit': 0x0401,
  'keygen/2-deal': 0x0402,
  'keygen/3-prove': 0x0403,
  'keygen/4-certify': 0x0404,
  'reshare/1-commit': 0x0501,
  'reshare/1-nonce': 0x0502,
  'reshare/2-deal': 0x0503,
  'reshare/2-introduce': 0x0504,
  'reshare/2-show': 0x0505,
  'reshare/3-prove': 0x0506,
  'reshare/4-certify': 0x0507,
  'presign/1-name': 0x0701,
  'presign/2-open': 0x0702,
  'sign/1-commit': 0x0801,
  'sign/1b-extend': 0x0802,
  'sign/2-multiply': 0x0803,
  'sign/3-combine': 0x0804,
  'sign/online': 0x0805,
  'sign/1-name': 0x0806,
  'sign/2-open': 0x0807,
}

export const MESSAGE_TYPES = {
  /** Opens a session: what the opener proposes; the receiver recomputes everything else. */
  open: 0,
  /** One message of a round. */
  round: 1,
  /** The sender ended the session; the body is a fault kind of the closed list, and the party of a timeout. */
  abort: 2,
  /** To the opener: not now, with a reason and a delay. */
  notYet: 3,
  /** To the opener: never for this request, with an error id. */
  refuse: 4,
  /** To the opener: already done, with the result. */
  result: 5,
  /** A signed notice that the sender banned a pair (02 §2.8). */
  banNotice: 6,
  /** Asks for the key certificate of a pending key; and the answer. */
  certificateAsk: 7,
  certificateAnswer: 8,
  /** Receiver of a pair-setup open: my slot is free, P1 follows. */
  accept: 9,
  /** What the sender knows of the key of an account that gets a ready one (02 §5). */
  assignment: 12,
  /** Which accounts and ready keys the sender lacks, by where it stopped; and the next of them. */
  accountsAsk: 13,
  accountsAnswer: 14,
  /** Proves the initiator's side of a channel; never passed on. */
  confirm: 0xffff,
} as const

export type MessageType = (typeof MESSAGE_TYPES)[keyof typeof MESSAGE_TYPES]
