import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import type { MemberFields } from '../../../enclave-runtime/host/guest.ts'
import { networkIdOf } from '../../../protocols/agreement/genesis.ts'
import { Answer } from '../../../protocols/agreement/objects/proposal.ts'
import { signObject } from '../../../protocols/agreement/objects/signed.ts'
import { baseOfGenesis } from '../../../protocols/agreement/rules/base.ts'
import { genesisChange } from '../../../protocols/agreement/rules/change.ts'
import { brokenAnswer } from '../../../protocols/agreement/rules/start-rules.ts'
import { adoptGenesis } from '../../../src/node/adopt-genesis.ts'
import { assembleGenesis } from '../../../src/node/assemble-genesis.ts'
import { readGenesisAnswer } from '../../../src/node/genesis-answer.ts'
import { createPeerSeed } from '../../../src/node/identity.ts'
import { formatMemberFile } from '../../../src/node/member-file.ts'
import { nodeFiles } from '../../../src/node/node-files.ts'
import { readOperatorKey } from '../../../src/node/operator-key.ts'
import { seeded } from '../../support/seeded.ts'

const random = seeded('genesis answer')
const pem = (): string => {
  const { privateKey } = generateKeyPairSync('ed25519')
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

describe("the operator's yes to a genesis file", () => {
  let root = ''
  let genesis: Uint8Array = new Uint8Array()
  const guest = random(32)
  const files = () => nodeFiles({ dir: join(root, 'node'), dataDir: join(root, 'node') })
  const key = pem()

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-answer-'))
    await mkdir(dirname(files().peerKey), { recursive: true })
    await writeFile(files().operatorKey, key, { mode: 0o600 })
    const { publicKey } = await readOperatorKey(files().operatorKey)
    const member = async (name: string, path: string): Promise<MemberFields> => ({
      guestSig: ed25519.getPublicKey(name === 'mine' ? guest : random(32)),
      guestEnc: x25519.getPublicKey(random(32)),
      peerId: await createPeerSeed(path),
      operatorKey: name === 'mine' ? publicKey : ed25519.getPublicKey(random(32)),
      measurement: new Uint8Array(32).fill(7),
      evidenceHash: new Uint8Array(32),
      label: name,
    })
    const mine = await member('mine', files().peerKey)
    const others = [await member('a', join(root, 'a')), await member('b', join(root, 'b'))]
    await writeFile(files().member, formatMemberFile(mine))
    await writeFile(files().config, 'allowPlain = true\n')
    genesis = assembleGenesis({
      name: 'test',
      members: [mine, ...others],
      threshold: 2,
      environment: 'development',
      salt: random(16),
      createdAt: 1_800_000_000_000,
    }).file
  })
  afterEach(() => rm(root, { recursive: true }))

  it('is signed when the file is adopted, and makes an answer that the rules take', async () => {
    await adoptGenesis(join(root, 'node'), genesis)
    const operatorSig = await readGenesisAnswer(files().genesisAnswer)
    const base = baseOfGenesis(genesis)
    const answer = {
      committeeId: base.committeeId,
      baseHash: base.hash,
      proposalHash: base.hash,
      seq: 1,
      yes: true,
      index: 1,
      operatorSig,
    }
    const signed = signObject(Answer, answer, networkIdOf(genesis), (message) =>
      ed25519.sign(message, guest),
    )
    assert.equal(brokenAnswer(base, genesisChange(base), signed), undefined)
    const other = { ...answer, operatorSig: random(64) }
    const forged = signObject(Answer, other, networkIdOf(genesis), (message) =>
      ed25519.sign(message, guest),
    )
    assert.match(
      brokenAnswer(base, genesisChange(base), forged)?.reason ?? '',
      /not signed by its operator/,
    )
  })

  it('is not there before, and is nothing but a signature', async () => {
    assert.equal(await readGenesisAnswer(files().genesisAnswer), null)
    await writeFile(files().genesisAnswer, 'yes\n')
    await assert.rejects(readGenesisAnswer(files().genesisAnswer), /is not the signature/)
  })

  it('takes the key from elsewhere, and no key but that of the operator', async () => {
    const elsewhere = join(root, 'elsewhere.key')
    await writeFile(elsewhere, key, { mode: 0o600 })
    await writeFile(files().operatorKey, pem(), { mode: 0o600 })
    await assert.rejects(
      adoptGenesis(join(root, 'node'), genesis),
      /not the key of the operator that this genesis names/,
    )
    await assert.rejects(readFile(files().genesis), { code: 'ENOENT' })
    await adoptGenesis(join(root, 'node'), genesis, elsewhere)
    assert.notEqual(await readGenesisAnswer(files().genesisAnswer), null)
  })

  it('names the file where there is no key, or something else', async () => {
    await rm(files().operatorKey)
    await assert.rejects(
      adoptGenesis(join(root, 'node'), genesis),
      /operator\.key cannot be read \(ENOENT\)/,
    )
    await writeFile(files().operatorKey, 'no key', { mode: 0o600 })
    await assert.rejects(adoptGenesis(join(root, 'node'), genesis), /not an Ed25519 key/)
  })
})
