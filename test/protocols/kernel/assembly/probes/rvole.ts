import {
  CHOICE_B,
  CHOICE_SIZE,
  rvoleAlice,
  rvoleBob,
  rvoleCheck,
  rvoleFinish,
} from '../../../../../protocols/kernel/assembly/rvole.ts'
import { gadgetSum } from '../../../../../protocols/kernel/assembly/gadget.ts'
import { columns, extendAlice, extendBob } from '../../../../../protocols/kernel/assembly/softspoken.ts'
import { pprfBuild, pprfEvaluate } from '../../../../../protocols/kernel/assembly/pprf.ts'

export {
  CHOICE_B,
  CHOICE_SIZE,
  columns,
  extendAlice,
  extendBob,
  gadgetSum,
  pprfBuild,
  pprfEvaluate,
  rvoleAlice,
  rvoleBob,
  rvoleCheck,
  rvoleFinish,
}

const ARENA = memory.data(1 << 19, 16)

export function arena(): usize {
  return ARENA
}
