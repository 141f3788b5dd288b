// A WeChat gateway without WeChat: wechaty-puppet-service's own server, hosting a mock puppet that remembers what it was
// asked to send. Usage: node gateway.mjs GRPC_PORT CONTROL_PORT TOKEN   (CONTROL_PORT 0: any; GW_TLS=1: with TLS)
// Everything is steered over HTTP on 127.0.0.1: POST /<operation> with a JSON body; see `operations`.
import http from 'node:http'
import { FileBox } from 'file-box'
import * as PUPPET from 'wechaty-puppet'
import { PuppetMock, mock } from 'wechaty-puppet-mock'
import { PuppetServer } from 'wechaty-puppet-service'

const [grpcPort = '18788', controlPort = '0', token = 'test-token'] = process.argv.slice(2)
const Type = PUPPET.types.Message
const Dirty = PUPPET.types.Payload
const SELF = 'bot'

const sent = []
const inviteList = new Map()
const friendshipList = new Map()
const aliases = new Map()
const links = new Map()
const broken = new Set()              // message ids whose payload call fails
const slow = { sends: 0 }
let serial = 0
const freshId = () => `m${process.pid}-${++serial}`

class Puppet extends PuppetMock {
  // A real gateway echoes what the account itself has said.
  echo (conversationId, payload) {
    const inRoom = conversationId.includes('@')
    const full = {
      id: freshId(), timestamp: Date.now(), talkerId: this.currentUserId,
      ...(inRoom ? { roomId: conversationId, mentionIdList: [] } : { listenerId: conversationId }),
      ...payload,
    }
    this.mocker.cacheMessagePayload.set(full.id, full)
    setImmediate(() => this.emit('message', { messageId: full.id }))
    return full.id
  }
  async record (kind, conversationId, payload, details) {
    if (!this.isLoggedIn) throw new Error('not logged in')
    if (slow.sends) await new Promise(resolve => setTimeout(resolve, slow.sends))
    const id = this.echo(conversationId, payload)
    sent.push({ kind, id, conversationId, at: Date.now(), ...details })
    return id
  }
  ding (data) { setTimeout(() => this.emit('dong', { data: data || '' }), 20) }
  messageSendText (to, text, mentions) {
    return this.record('text', to, { type: Type.Text, text }, { text, mentions: mentions || [] })
  }
  messageSendUrl (to, link) { return this.record('url', to, { type: Type.Url }, { link }) }
  messageSendMiniProgram (to, program) { return this.record('miniProgram', to, { type: Type.MiniProgram }, { program }) }
  async messageSendFile (to, file) {
    const content = await file.toBuffer()
    return this.record('file', to, { type: Type.Attachment, filename: file.name },
      { name: file.name, size: content.length, base64: content.length < 1e6 ? content.toString('base64') : '' })
  }
  async messageRawPayload (id) {
    if (broken.has(id)) throw new Error('payload is gone')
    return super.messageRawPayload(id)
  }
  async messageUrl (id) { return links.get(id) || { title: '', url: '' } }
  async messageMiniProgram (id) { return links.get(id) || { title: '' } }
  async roomMemberRawPayload (roomId, id) {
    const contact = this.mocker.contactPayload(id)
    return { avatar: '', id, name: contact.name, roomAlias: aliases.get(`${roomId} ${id}`) || '', inviterId: '' }
  }
  async friendshipRawPayload (id) { return friendshipList.get(id) }
  async friendshipAccept (id) {
    sent.push({ kind: 'friendshipAccept', id })
    const contact = mocker.contactPayload(friendshipList.get(id).contactId)
    contact.friend = true
    await dirty(Dirty.Contact, contact.id)
  }
  async roomInvitationRawPayload (id) { return inviteList.get(id) }
  async roomInvitationAccept (id) {
    sent.push({ kind: 'roomInvitationAccept', id })
    await operations.join({ room: inviteList.get(id).roomId, ids: [SELF], by: inviteList.get(id).inviterId })
  }
}

const mocker = new mock.Mocker()
const puppet = new Puppet({ mocker })
puppet.on('error', () => {})
const dirty = async (type, id) => { puppet.onDirty({ payloadType: type, payloadId: id }); await puppet.dirtyPayload(type, id) }
const contactOf = id => mocker.ContactMock.load(id)
const roomOf = id => mocker.RoomMock.load(id)
const person = (id, name, friend = false) =>
  mocker.createContact({ id, name, alias: '', friend, avatar: '', phone: [], type: PUPPET.types.Contact.Individual })

function room (given) {               // made anew or, after a reset, as it was at first
  const payload = { adminIdList: [], avatar: '', ...given }
  try { Object.assign(roomOf(payload.id).payload, payload) } catch { mocker.createRoom(payload) }
  mocker.roomPayload(payload.id, roomOf(payload.id).payload)
}
function reset () {
  for (const id of [...mocker.cacheRoomPayload.keys()]) mocker.cacheRoomPayload.delete(id)
  mocker.cacheMessagePayload.clear()
  for (const cache of [puppet.cache.message, puppet.cache.room, puppet.cache.roomMember, puppet.cache.contact]) cache.clear()
  aliases.clear()
  aliases.set('r1@chatroom alice', '张三')
  for (const [id, payload] of mocker.cacheContactPayload) payload.friend = id === 'alice'
  room({ id: 'r1@chatroom', topic: '测试群', ownerId: 'alice', memberIdList: [SELF, 'alice', 'bob'], adminIdList: ['bob'] })
  sent.length = 0
  slow.sends = 0
  autoLogin = true
  if (!puppet.isLoggedIn) puppet.login(SELF)
}

for (const [id, name] of [[SELF, '小助手'], ['alice', 'Alice'], ['bob', 'Bob'], ['carol', 'Carol']]) person(id, name)
let autoLogin = true
puppet.cache.start()
reset()
mocker.use(() => {                    // runs on every puppet.start(), so it must not matter how often
  if (autoLogin && !puppet.isLoggedIn) puppet.login(SELF)
  puppet.emit('ready', { data: 'ready' })
  return () => {}
})

function hear (given) {
  const payload = { id: freshId(), timestamp: Date.now(), type: Type.Text, talkerId: 'alice', mentionIdList: [], ...given }
  if (!payload.roomId && !payload.listenerId) payload.roomId = 'r1@chatroom'
  mocker.cacheMessagePayload.set(payload.id, payload)
  puppet.emit('message', { messageId: payload.id })
  return payload
}

const operations = {
  hear: given => hear(given),
  link: ({ title, url, ...given }) => {
    const id = freshId()
    links.set(id, { title, url, description: '' })
    return hear({ id, type: Type.Url, ...given })
  },
  repeat: ({ id }) => { puppet.emit('message', { messageId: id }) },
  broken: ({ id }) => { broken.add(id); puppet.emit('message', { messageId: id }) },
  topic: async ({ room, topic, by }) => { roomOf(room).topic(topic).by(contactOf(by)); await dirty(Dirty.Room, room) },
  join: async ({ room, ids, by }) => { roomOf(room).add(...ids.map(contactOf)).by(contactOf(by)); await dirty(Dirty.Room, room) },
  leave: async ({ room, ids, by }) => { roomOf(room).remove(...ids.map(contactOf)).by(contactOf(by)); await dirty(Dirty.Room, room) },
  person: ({ id, name, friend = false }) => {
    if (mocker.cacheContactPayload.has(id)) Object.assign(mocker.contactPayload(id), { name, friend })
    else person(id, name, friend)
  },
  reset,
  room: ({ id, topic, owner, members, admins }) => {
    room({ id, topic, ownerId: owner, memberIdList: members, adminIdList: admins || [] })
  },
  alias: async ({ room, id, alias }) => { aliases.set(`${room} ${id}`, alias); await dirty(Dirty.RoomMember, room) },
  befriend: async ({ id, friend }) => { mocker.contactPayload(id).friend = friend; await dirty(Dirty.Contact, id) },
  owner: async ({ room, owner }) => { mocker.roomPayload(room).ownerId = owner; await dirty(Dirty.Room, room) },
  friendship: ({ id, from }) => {
    friendshipList.set(id, { id, contactId: from, hello: '', timestamp: Date.now(), type: PUPPET.types.Friendship.Receive, ticket: 't' })
    puppet.emit('friendship', { friendshipId: id })
  },
  invite: ({ id, room, by }) => {
    inviteList.set(id, { id, roomId: room, inviterId: by, topic: '', avatar: '', invitation: '', memberCount: 2, memberIdList: [], timestamp: Date.now(), receiverId: SELF })
    puppet.emit('room-invite', { roomInvitationId: id })
  },
  emit: ({ name, payload }) => { puppet.emit(name, payload) },
  scan: () => { mocker.scan('https://example.invalid/qr') },
  logout: async ({ reason }) => { autoLogin = false; await puppet.logout(reason || '') },
  login: () => { autoLogin = true; if (!puppet.isLoggedIn) puppet.login(SELF) },
  slow: ({ ms }) => { slow.sends = ms },
  burst: async ({ n, rooms = ['r1@chatroom'], from = ['alice', 'bob'], tag = '第', batch = 100 }) => {
    const start = Date.now()
    for (let i = 0; i < n; i++) {
      hear({ text: `${tag} ${i}`, talkerId: from[i % from.length], roomId: rooms[i % rooms.length] })
      if (i % batch === batch - 1) await new Promise(setImmediate)
    }
    return { start, ms: Date.now() - start }
  },
  trim: () => { mocker.cacheMessagePayload.clear(); puppet.cache.message.clear() },
  sent: () => sent,
  clear: () => { sent.length = 0 },
  state: () => ({ loggedIn: puppet.isLoggedIn, listeners: puppet.listenerCount('message'), memory: process.memoryUsage().rss }),
}

const control = http.createServer((request, response) => {
  let body = ''
  request.on('data', part => { body += part })
  request.on('end', async () => {
    try {
      const answer = await operations[request.url.slice(1)](body ? JSON.parse(body) : {})
      response.end(JSON.stringify(answer ?? {}))
    } catch (error) { response.statusCode = 500; response.end(JSON.stringify({ error: String(error) })) }
  })
})
await new Promise(resolve => control.listen(Number(controlPort), '127.0.0.1', resolve))
const server = new PuppetServer({ endpoint: `127.0.0.1:${grpcPort}`, puppet, token, tls: { disable: process.env.GW_TLS !== '1' } })
await server.start()
console.log(JSON.stringify({ ready: true, control: control.address().port }))
process.on('SIGTERM', () => process.exit(0))
process.stdin.on('end', () => process.exit(0)).resume()   // never outlives the test that started it
