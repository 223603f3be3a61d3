import{m as t,o,p as r}from"./part.RASTNX7H.js";var s=t(r("letter-keys")!=="off");function n(e){s.set(e),o("letter-keys",e?"on":"off")}export{s as a,n as b};
