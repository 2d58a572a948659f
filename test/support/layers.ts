import { dirname, join } from 'node:path/posix'

/** What one room may look at. `rooms` and `files` are ours; `packages` are npm names; `node` is `node:*`. */
interface Room {
  readonly rooms: readonly string[]
  /** Single files of other rooms. */
  readonly files?: readonly string[]
  /** Rooms of which only types may be read. */
  readonly types?: readonly string[]
  readonly packages: readonly string[]
  readonly node: boolean
}

const NOBLE = ['@noble/curves', '@noble/hashes', '@noble/ciphers']
const CONVERSATION: Room = {
  rooms: [
    'protocols/session',
    'protocols/ot',
    'protocols/crypto',
    'protocols/kernel',
    'protocols/sharing',
  ],
  types: ['protocols/pair-setup', 'protocols/correlations'], // signing names the setups and correlations it is given
  packages: NOBLE,
  node: false,
}
const CONVERSATIONS = [
  'protocols/pair-setup',
  'protocols/correlations',
  'protocols/keygen',
  'protocols/reshare',
  'protocols/sign',
]
const DECIDING: Room = {
  rooms: ['protocols/session', 'protocols/crypto'],
  packages: [...NOBLE, 'zod'],
  node: false,
}
const LIBP2P = [
  'libp2p',
  '@libp2p/*',
  '@chainsafe/libp2p-noise',
  '@multiformats/multiaddr',
  'datastore-level',
  'it-pipe',
  'uint8arrays',
  'uint8arraylist',
]

/** Published entry points: they list names and hold nothing. */
const ENTRY: Room = { rooms: ['protocols/*'], packages: [], node: false }

/** Each room and what it may look into. The drawing in ARCHITECTURE.md is this table. */
export const ROOMS: Readonly<Record<string, Room>> = {
  'protocols/index.ts': ENTRY,
  'protocols/kernel': {
    rooms: [],
    // The reference hashes with the same oracle and the same tags as everyone else.
    files: [
      'protocols/crypto/tags.ts',
      'protocols/crypto/transcript.ts',
      'protocols/crypto/random.ts',
    ],
    packages: NOBLE,
    node: false,
  },
  'protocols/crypto': { rooms: ['protocols/kernel'], packages: NOBLE, node: false },
  'protocols/ot': { rooms: ['protocols/crypto', 'protocols/kernel'], packages: NOBLE, node: false },
  'protocols/session': { rooms: ['protocols/crypto'], packages: [...NOBLE, 'cborg'], node: false },
  'protocols/sharing': CONVERSATION,
  'protocols/pair-setup': CONVERSATION,
  'protocols/correlations': CONVERSATION,
  'protocols/keygen': CONVERSATION,
  'protocols/reshare': CONVERSATION,
  'protocols/sign': CONVERSATION,
  'protocols/agreement': DECIDING,
  'protocols/request': {
    ...DECIDING,
    // Tickets and entry keys are objects that guests sign, in the encoding of all such objects.
    files: [
      'protocols/agreement/objects/items.ts',
      'protocols/agreement/objects/signed.ts',
      'protocols/agreement/signed-object.ts',
    ],
  },
  'protocols/simulation': {
    rooms: [
      'protocols/session',
      'protocols/crypto',
      'protocols/kernel',
      'protocols/ot',
      ...CONVERSATIONS,
    ],
    packages: NOBLE,
    node: false,
  },
  'enclave-runtime/port': { rooms: ['protocols/session'], packages: [], node: false },
  'enclave-runtime/guest': {
    rooms: [
      'enclave-runtime/port',
      'enclave-runtime/sealing',
      'protocols/session',
      'protocols/crypto',
      'protocols/kernel',
      'protocols/ot',
      'protocols/sharing',
      'protocols/agreement',
      'protocols/request',
      ...CONVERSATIONS,
    ],
    packages: [...NOBLE, 'zod'],
    node: true,
  },
  'enclave-runtime/host': {
    rooms: ['enclave-runtime/port', 'protocols/session'],
    packages: ['level', 'it-pipe'],
    node: true,
  },
  'enclave-runtime/sealing': {
    rooms: ['protocols/crypto', 'protocols/session'],
    packages: NOBLE,
    node: true,
  },
  'src/wire': {
    rooms: ['protocols/request', 'protocols/agreement', 'protocols/session'],
    packages: ['zod'],
    node: false,
  },
  'src/node': {
    rooms: ['enclave-runtime/host', 'protocols/session', 'protocols/agreement'],
    files: [
      'enclave-runtime/port/guest-settings.ts', // node.toml sets them, within the guest's bounds
      'enclave-runtime/port/port.ts', // its errors: an operator is told what the guest answered
    ],
    packages: [...LIBP2P, 'pino', 'prom-client', 'smol-toml', 'zod'],
    node: true,
  },
  // The composition root: the one file that constructs everything on the host side.
  'src/node/node.ts': {
    rooms: [
      'enclave-runtime/host',
      'protocols/session',
      'protocols/agreement',
      'protocols/request',
      'src/node',
      'src/coordinator',
      'src/gateway',
      'src/wire',
    ],
    packages: ['prom-client', 'pino'],
    node: true,
  },
  'src/coordinator': {
    rooms: [
      'enclave-runtime/host',
      'src/node',
      'protocols/session',
      'protocols/agreement',
      'protocols/request',
    ],
    files: [
      'protocols/crypto/tags.ts', // the order of leaders is a hash
      'protocols/crypto/transcript.ts',
      'enclave-runtime/port/phases.ts', // the guest's part of a request's way
    ],
    packages: [],
    node: true,
  },
  'src/gateway': {
    rooms: [
      'src/wire',
      'src/coordinator',
      'protocols/request',
      'protocols/agreement',
      'protocols/session',
    ],
    packages: ['fastify', 'zod'],
    node: true,
  },
  'src/sdk': {
    rooms: ['src/wire', 'protocols/request', 'protocols/agreement', 'protocols/session'],
    files: [
      'protocols/crypto/tags.ts',
      'protocols/crypto/transcript.ts',
      'protocols/keygen/key-certificate.ts',
      'protocols/sign/bip32.ts',
    ],
    packages: [...NOBLE, 'zod'],
    node: false,
  },
  'src/testnet': {
    rooms: [
      'src/sdk',
      'src/wire',
      'src/node',
      'src/node/node.ts',
      'enclave-runtime/host',
      'protocols/agreement',
      'protocols/request',
      'protocols/simulation',
    ],
    packages: ['viem', 'listr2', 'picocolors', 'zod', 'smol-toml'],
    node: true,
  },
  'src/cli': {
    rooms: [
      'src/sdk',
      'src/wire',
      'src/node',
      'src/node/node.ts',
      'src/testnet',
      'enclave-runtime/host',
      'protocols/agreement',
      'protocols/request',
    ],
    files: ['protocols/session/codec.ts'], // what a node shows may be no object at all
    packages: ['commander', 'listr2', 'picocolors', 'zod', 'smol-toml', '@noble/curves', 'viem'],
    node: true,
  },
}

/** Every import that leaves its room for something it may not look at, type-only imports included. */
export function trespasses(file: string, source: string): string[] {
  const room = roomOf(file)
  const may = ROOMS[room]
  if (may === undefined) return [`${file} is in no known room`]
  return importsOf(source)
    .filter(({ target, typeOnly }) => !allowed(may, room, file, target, typeOnly))
    .map(({ target }) => `${file} imports ${target}`)
}

function allowed(may: Room, room: string, file: string, target: string, typeOnly: boolean) {
  if (target.startsWith('node:')) return may.node
  if (!target.startsWith('.')) return may.packages.some((name) => isOf(target, name))
  const path = join(dirname(file), target)
  const other = roomOf(path)
  return (
    other === room ||
    may.rooms.some((room) => isOf(other, room)) ||
    may.files?.includes(path) === true ||
    (typeOnly && may.types?.includes(other) === true)
  )
}

/** Whether an import specifier belongs to a package; `@scope/*` stands for every package of the scope. */
const isOf = (target: string, name: string): boolean =>
  name.endsWith('/*')
    ? target.startsWith(name.slice(0, -1))
    : target === name || target.startsWith(`${name}/`)

/** The static and dynamic imports and re-exports of a source text. */
export function importsOf(source: string): { target: string; typeOnly: boolean }[] {
  const found = source.matchAll(
    /(?:\b(import|export)\s+(type\s)?[^'"`;]*?\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"]+)['"]/g,
  )
  return [...found].map(([, , type, target = '']) => ({ target, typeOnly: type !== undefined }))
}

const roomOf = (path: string): string =>
  path in ROOMS ? path : path.split('/').slice(0, 2).join('/')
