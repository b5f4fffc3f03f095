"""
Every kind of frame beside its bytes: one table for both directions of the
codec, and for everything else that wants one of each.
"""

from __future__ import annotations

from goiptwist.goip.frames import (
    DeliveryReport,
    DeviceAnswer,
    DeviceCommand,
    DevicePush,
    FromDevice,
    FromServer,
    Keepalive,
    KeepaliveAnswer,
    LineFacts,
    PushAcknowledgement,
    ReceivedSms,
    SessionDone,
    SessionOffer,
    SessionPassword,
    SessionSend,
    TraceLine,
)

#: What the long keepalive of firmware since 2014 carries, beside id and pass.
LONG_FACTS = {
    "num": "",
    "signal": "29",
    "gsm_status": "LOGIN",
    "voip_status": "LOGOUT",
    "voip_state": "DIALING:999999999",
    "remain_time": "-1",
    "imei": "867495023958030",
    "imsi": "260060172091324",
    "iccid": "8938003992745697720F",
    "pro": "CHINA UNICOM GSM",
    "idle": "11",
    "disable_status": "0",
    "SMS_LOGIN": "N",
    "SMB_LOGIN": "",
    "CELLINFO": "LAC:7E5,CELL ID:5E5B",
    "CGATT": "Y",
}

FROM_DEVICE: list[tuple[FromDevice, bytes]] = [
    # the seed's own keepalive
    (Keepalive(10, "goipid1", "password1"), b"req:10;id:goipid1;pass:password1;"),
    # the oldest print: no gsm_status
    (
        Keepalive(1, "goip1", "pw", {"num": "+86138", "signal": "23"}),
        b"req:1;id:goip1;pass:pw;num:+86138;signal:23;",
    ),
    # GST1610 and other firmware since 2014
    (
        Keepalive(27, "gate", "pw", LONG_FACTS),
        b"req:27;id:gate;pass:pw;num:;signal:29;gsm_status:LOGIN;voip_status:LOGOUT;"
        b"voip_state:DIALING:999999999;remain_time:-1;imei:867495023958030;"
        b"imsi:260060172091324;iccid:8938003992745697720F;pro:CHINA UNICOM GSM;idle:11;"
        b"disable_status:0;SMS_LOGIN:N;SMB_LOGIN:;CELLINFO:LAC:7E5,CELL ID:5E5B;CGATT:Y;",
    ),
    (
        ReceivedSms(1270197307, "goipid1", "password1", "+8613513415667", "just; a: test"),
        b"RECEIVE:1270197307;id:goipid1;password:password1;srcnum:+8613513415667;msg:just; a: test",
    ),
    (
        ReceivedSms(-3, "goip1", "pw", "100", "zwei\nZeilen", smsc="+86138"),
        b"RECEIVE:-3;id:goip1;password:pw;srcnum:100;smscnum:+86138;msg:zwei\nZeilen",
    ),
    (
        DeliveryReport(429, "c1", "pw", "3", 0, "999999999"),
        b"DELIVER:429;id:c1;password:pw;sms_no:3;state:0;num:999999999",
    ),
    (
        DevicePush("STATE", 446, "c1", "pw", {"gsm_remain_state": "DIALING:999999999"}),
        b"STATE:446;id:c1;password:pw;gsm_remain_state:DIALING:999999999",
    ),
    (
        DevicePush("RECORD", 445, "c1", "pw", {"dir": "2", "num": "999999999"}),
        b"RECORD:445;id:c1;password:pw;dir:2;num:999999999",
    ),
    (
        DevicePush("HANGUP", 442, "c1", "pw", {"num": "", "cause": "Normal call clearing"}),
        b"HANGUP:442;id:c1;password:pw;num:,cause:Normal call clearing",
    ),
    (
        DevicePush("USSN", 438, "c1", "pw", {"msg": 'Your "balance"; 1: 3 EUR"'}),
        b'USSN:438;id:c1;password:pw;msg:Your "balance"; 1: 3 EUR"',
    ),
    (
        DevicePush("CELLINFO", 436, "c1", "pw", {"info": "LAC:FFFF,CELL ID:FFFF"}),
        b"CELLINFO:436;id:c1;password:pw;info:LAC:FFFF,CELL ID:FFFF",
    ),
    (
        DevicePush("BCCH", 34348, "c1", "pw", {"bcch": "689,638,783,785,640,"}),
        b"BCCH:34348;id:c1;password:pw;bcch:689,638,783,785,640,",
    ),
    (
        DevicePush("CGATT", 439, "c1", "pw", {"cgatt": "1"}),
        b"CGATT:439;id:c1;password:pw;cgatt:1",
    ),
    # a special build: names may be lower-case
    (
        DevicePush("need_recharge", 7, "c1", "pw", {"num": "10086"}),
        b"need_recharge:7;id:c1;password:pw;num:10086",
    ),
    (DevicePush("NUMRECORD", 7, "c1", "pw"), b"NUMRECORD:7;id:c1;password:pw"),
    (
        LineFacts(1, {"get_gsm_num": "", "get_exp_time": "0", "get_gsm_state": "IDLE"}),
        b"GSM:1;get_gsm_num:(null);get_exp_time:0;get_gsm_state:IDLE",
    ),
    (TraceLine(5, "c1", "+CSQ: 29,99"), b"AT:5;count:1;id:c1;password:;receive:+CSQ: 29,99"),
    (DeviceAnswer("PASSWORD", 11), b"PASSWORD 11\n"),
    (DeviceAnswer("SEND", 11), b"SEND 11\n"),
    (DeviceAnswer("OK", 11, ("1",)), b"OK 11 1\n"),
    (DeviceAnswer("OK", 11, ("2", "161")), b"OK 11 2 161\n"),
    (DeviceAnswer("WAIT", 11, ("2",)), b"WAIT 11 2\n"),
    (DeviceAnswer("ERROR", 11, ("2", "errorstatus:1")), b"ERROR 11 2 errorstatus:1\n"),
    (DeviceAnswer("ERROR", 11, ("PASSWORD",)), b"ERROR 11 PASSWORD\n"),
    (
        DeviceAnswer("ERROR", 11, ("too_many_sends_in_server",)),
        b"ERROR 11 too_many_sends_in_server\n",
    ),
    (DeviceAnswer("DONE", 11), b"DONE 11\n"),
    (DeviceAnswer("get_gsm_num", 879901, ("13800138000",)), b"get_gsm_num 879901 13800138000\n"),
]

FROM_SERVER: list[tuple[FromServer, bytes]] = [
    (KeepaliveAnswer(10), b"reg:10;status:0;"),
    (KeepaliveAnswer(10, 200), b"reg:10;status:200;"),
    (KeepaliveAnswer(100, -1), b"reg:100;status:-1;"),
    (PushAcknowledgement("RECEIVE", 1270197307), b"RECEIVE 1270197307 OK\n"),
    (
        PushAcknowledgement("RECEIVE", -7, "not find this id:c1, or password error"),
        b"RECEIVE -7 ERROR not find this id:c1, or password error",
    ),
    (PushAcknowledgement("DELIVER", 429), b"DELIVER 429 OK\n"),
    (PushAcknowledgement("HANGUP", 442), b"HANGUP 442 OK"),
    (PushAcknowledgement("need_recharge", 7), b"need_recharge 7 OK"),
    (PushAcknowledgement("USSN", 100, "DISABLE"), b"USSN 100 DISABLE"),
    (SessionOffer(11, "hello"), b"MSG 11 5 hello\n"),
    (SessionOffer(1, "hi ЖЖ; x"), "MSG 1 10 hi ЖЖ; x\n".encode()),
    (SessionOffer(7, "ends\n"), b"MSG 7 5 ends\n\n"),
    (SessionPassword(11, "password1"), b"PASSWORD 11 password1\n"),
    (SessionPassword(11, "OK"), b"PASSWORD 11 OK\n"),
    (SessionSend(11, 1, "+8613800138000"), b"SEND 11 1 +8613800138000\n"),
    (SessionDone(11), b"DONE 11\n"),
    (DeviceCommand("USSD", 111, ("password1", "*100#")), b"USSD 111 password1 *100#"),
    (DeviceCommand("HELLO", 5), b"HELLO 5"),
]
