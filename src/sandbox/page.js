// Every text is set as text, never as markup; the server lets only http(s) addresses through as links.
'use strict';
const names = { wecom_bot: '企业微信', dingtalk_bot: '钉钉', feishu_bot: '飞书', webhook: '系统对接',
  wecom_app: '企业微信应用', dingtalk_app: '钉钉应用', feishu_app: '飞书应用', wechat_subscribe: '微信订阅消息', slack: 'Slack' };
const shownAtMost = 500;
const rooms = new Map();
let chosen = '';
let boot = '';

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const feed = document.getElementById('feed');
const hidden = (room) => chosen !== '' && chosen !== room;
const refreshEmpty = () => {
  document.getElementById('empty').hidden = [...feed.children].some((card) => !card.hidden);
};

const drawRooms = () => {
  const entry = (name, title, platform, count, fault) => {
    const button = element('button');
    button.type = 'button';
    button.setAttribute('aria-current', String(chosen === name));
    const label = element('span', 'name', title);
    if (fault) label.append(' ', element('span', 'fault', '故障：' + fault));
    button.append(label, element('span', 'count', platform), element('span', 'count', String(count)));
    button.addEventListener('click', () => {
      chosen = name;
      for (const card of feed.children) card.hidden = hidden(card.dataset.room);
      drawRooms();
      refreshEmpty();
    });
    return button;
  };
  const all = [...rooms.values()].sort((a, b) => b.last - a.last);
  const total = all.reduce((sum, room) => sum + room.count, 0);
  document.getElementById('rooms').replaceChildren(
    entry('', '全部', '', total, ''),
    ...all.map((room) => entry(room.name, room.title, names[room.kind] || room.kind, room.count, room.fault)),
  );
};

const card = (message) => {
  const room = rooms.get(message.room);
  const made = element('article', message.kind);
  made.dataset.room = message.room;
  made.dataset.id = String(message.id);
  made.hidden = hidden(message.room);
  const meta = element('p', 'meta');
  const time = element('time', '', new Date(message.at).toLocaleTimeString('zh-CN', { hour12: false }));
  time.dateTime = message.at;
  meta.append(element('span', '', names[message.kind] || message.kind), element('span', '', room ? room.title : message.room));
  if (message.redrawnAt) meta.append(element('span', '', '已更新'));
  meta.append(time);
  made.append(meta, element('h2', '', message.title));
  for (const line of message.lines) made.append(element('p', 'line', line));
  if (message.mentions.length) made.append(element('p', 'mentions', message.mentions.map((name) => '@' + name).join(' ')));
  if (message.links.length) {
    const links = element('p', 'links');
    for (const link of message.links) {
      const anchor = element('a', '', link.text);
      anchor.href = link.url;
      anchor.target = '_blank';
      anchor.rel = 'noopener noreferrer';
      links.append(anchor);
    }
    made.append(links);
  }
  if (message.buttons.length || message.said) {
    const buttons = element('p', 'buttons');
    const said = element('span', 'said', message.said || '');
    message.buttons.forEach((button, at) => {
      const made = element('button', '', button.text);
      made.type = 'button';
      made.addEventListener('click', async () => {
        made.disabled = true;
        const answer = await fetch('/sandbox/messages/' + message.id + '/buttons/' + at, { method: 'POST' });
        const body = await answer.json();
        said.textContent = body.says || ('平台：回调失败（' + body.error + '）');
        made.disabled = false;
      });
      buttons.append(made);
    });
    buttons.append(said);
    made.append(buttons);
  }
  const raw = element('details');
  raw.append(element('summary', '', '原文'), element('pre', '', JSON.stringify(message.raw, null, 2)));
  made.append(raw);
  return made;
};

const receive = (message, fresh) => {
  const room = rooms.get(message.room);
  const before = [...feed.children].find((shown) => shown.dataset.id === String(message.id));
  if (room) {
    room.count += before ? 0 : 1;
    room.last = message.seq;
  }
  const made = card(message);
  if (fresh) made.classList.add('fresh');
  if (before) before.replaceWith(made);
  else feed.prepend(made);
  while (feed.children.length > shownAtMost) feed.lastElementChild.remove();
};

const loadRooms = async () => {
  const list = await (await fetch('/sandbox/rooms')).json();
  for (const room of list) {
    const known = rooms.get(room.name) || { count: 0, last: 0 };
    rooms.set(room.name, { ...known, ...room, fault: room.fault ? room.fault.mode : '' });
  }
  drawRooms();
};

const start = async () => {
  await loadRooms();
  const opened = Date.now();
  const stream = new EventSource('/sandbox/stream');
  const state = document.getElementById('state');
  stream.addEventListener('hello', (event) => {
    if (boot && boot !== event.data) location.reload();
    boot = event.data;
    state.className = 'on';
    state.textContent = '已连接';
  });
  stream.addEventListener('message', (event) => {
    receive(JSON.parse(event.data), Date.now() - opened > 1000);
    drawRooms();
    refreshEmpty();
  });
  stream.addEventListener('error', () => {
    state.className = 'off';
    state.textContent = '未连接';
  });
  setInterval(loadRooms, 5000);
};

document.getElementById('clear').addEventListener('click', async () => {
  await fetch('/sandbox/messages', { method: 'DELETE' });
  location.reload();
});
start();
