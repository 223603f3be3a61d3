import{n as t,p as o,q as r}from"./part.QTAN4VIS.js";var s=t(r("letter-keys")!=="off");function n(e){s.set(e),o("letter-keys",e?"on":"off")}export{s as a,n as b};
